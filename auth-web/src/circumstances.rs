//! What a decision looks at beyond the request, and what must be done for a permit to hold.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use auth_core::{AccessRequest, Attributes, Obligation, RoleName};

use crate::{Refusal, Visit};

/// Knows what a decision looks at beyond the request: which roles are active, and attributes of principal, resource and
/// context. It is the policy information point of NIST SP 800-162 and XACML 3.0.
///
/// [`Require`](crate::Require) and [`Visit::require`] ask it before they ask the authorizer, each time. What it answers is
/// the application's word: read it from a session, from a store or from verified claims, and never from what the client
/// may say as it likes.
///
/// ```
/// use async_trait::async_trait;
/// use auth_web::{
///     Circumstances, InformationPoint, Refusal, Visit,
///     core::{AccessRequest, RoleName},
///     rbac::{AttributeMap, AttributeName},
///     session::SessionData,
/// };
/// use serde::{Deserialize, Serialize};
///
/// /// The roles that somebody works in, which only `Snapshot::activate` changes. Without any, none is active.
/// #[derive(Default, Serialize, Deserialize)]
/// struct Active(Vec<RoleName>);
///
/// impl SessionData for Active {
///     const SLOT: &'static str = "active-roles";
///     const VERSION: u16 = 1;
/// }
///
/// struct Known {
///     closed: AttributeName,
/// }
///
/// #[async_trait]
/// impl InformationPoint for Known {
///     async fn circumstances(
///         &self,
///         visit: &Visit,
///         _: &AccessRequest<'_>,
///     ) -> Result<Circumstances, Refusal> {
///         // A token has no session, and no role that is active.
///         let active = if visit.may_have_session() { visit.get::<Active>().await? } else { None };
///         Ok(Circumstances::new()
///             .with_active_roles(active.unwrap_or_default().0)
///             .with_context_attributes(AttributeMap::new().with(self.closed.clone(), false)))
///     }
/// }
/// ```
#[async_trait]
pub trait InformationPoint: Send + Sync {
    /// What is known for a question, which has principal, action, resource, time and address. The limits of the
    /// authentication leave room for it: beyond them nobody is asked.
    ///
    /// It may read the visit, and must not call [`Visit::require`], which would ask it again.
    ///
    /// # Errors
    /// The answer in place of a decision: where a store fails, let `?` say 503. What it does not know it leaves out, and
    /// rules that look at it permit nothing. A denial is written to the audit log like one of the policy.
    async fn circumstances(
        &self,
        visit: &Visit,
        request: &AccessRequest<'_>,
    ) -> Result<Circumstances, Refusal>;
}

/// Does what must be done for a permit to hold. Without one, a permit with obligations is a denial.
///
/// ```
/// use async_trait::async_trait;
/// use auth_web::{
///     ObligationHandler, Refusal, Visit,
///     core::{AccessRequest, Obligation, StoreError},
/// };
///
/// /// Who looked at whose file.
/// struct Register;
///
/// impl Register {
///     async fn enter(&self, who: &str, what: Option<&str>) -> Result<(), StoreError> {
/// #       let _ = (who, what);
///         Ok(()) // into a table of yours
///     }
/// }
///
/// #[async_trait]
/// impl ObligationHandler for Register {
///     async fn discharge(
///         &self,
///         _: &Visit,
///         request: &AccessRequest<'_>,
///         obligation: &Obligation,
///     ) -> Result<bool, Refusal> {
///         if obligation.name.as_str() != "register" {
///             return Ok(false); // not one that is known here
///         }
///         self.enter(request.principal().id(), request.resource().id()).await?;
///         Ok(true)
///     }
/// }
/// ```
#[async_trait]
pub trait ObligationHandler: Send + Sync {
    /// Discharges one obligation of what was permitted, before the handler of the route runs. Answers whether it did:
    /// `false` denies, and those that come after it are not begun.
    ///
    /// It must not call [`Visit::require`] for the same permission, which would owe the same again.
    ///
    /// # Errors
    /// The answer in place of a permit: where a store fails, let `?` say 503. A denial is written to the audit log like one
    /// of the policy.
    async fn discharge(
        &self,
        visit: &Visit,
        request: &AccessRequest<'_>,
        obligation: &Obligation,
    ) -> Result<bool, Refusal>;
}

macro_rules! forward {
    ($($pointer:ty),*) => {
        $(
            #[async_trait]
            impl<T: InformationPoint + ?Sized> InformationPoint for $pointer {
                async fn circumstances(
                    &self,
                    visit: &Visit,
                    request: &AccessRequest<'_>,
                ) -> Result<Circumstances, Refusal> {
                    (**self).circumstances(visit, request).await
                }
            }

            #[async_trait]
            impl<T: ObligationHandler + ?Sized> ObligationHandler for $pointer {
                async fn discharge(
                    &self,
                    visit: &Visit,
                    request: &AccessRequest<'_>,
                    obligation: &Obligation,
                ) -> Result<bool, Refusal> {
                    (**self).discharge(visit, request, obligation).await
                }
            }
        )*
    };
}

forward!(&T, Box<T>, Arc<T>);

/// What an [`InformationPoint`] knows for one question. What is left out is unknown: all roles of the principal count,
/// and attributes are absent.
#[derive(Default)]
pub struct Circumstances {
    active_roles: Option<Vec<RoleName>>,
    principal: Option<Box<dyn Attributes + Send>>,
    resource: Option<Box<dyn Attributes + Send>>,
    context: Option<Box<dyn Attributes + Send>>,
}

impl Circumstances {
    /// Nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Only these roles allow, of those that the principal holds; none, if there are none. See
    /// [`AccessRequest::with_active_roles`].
    #[must_use]
    pub fn with_active_roles(mut self, roles: impl IntoIterator<Item = RoleName>) -> Self {
        self.active_roles = Some(roles.into_iter().collect());
        self
    }

    /// What is known of the principal.
    #[must_use]
    pub fn with_principal_attributes(mut self, attributes: impl Attributes + Send + 'static) -> Self {
        self.principal = Some(Box::new(attributes));
        self
    }

    /// What is known of the resource.
    #[must_use]
    pub fn with_resource_attributes(mut self, attributes: impl Attributes + Send + 'static) -> Self {
        self.resource = Some(Box::new(attributes));
        self
    }

    /// What is known of device, place and whatever else the policy's context has.
    #[must_use]
    pub fn with_context_attributes(mut self, attributes: impl Attributes + Send + 'static) -> Self {
        self.context = Some(Box::new(attributes));
        self
    }

    /// The question with all of this.
    pub(crate) fn add_to<'a>(&'a self, mut request: AccessRequest<'a>) -> AccessRequest<'a> {
        if let Some(roles) = &self.active_roles {
            request = request.with_active_roles(roles);
        }
        if let Some(attributes) = &self.principal {
            request = request.with_principal_attributes(&**attributes);
        }
        if let Some(attributes) = &self.resource {
            request = request.with_resource_attributes(&**attributes);
        }
        if let Some(attributes) = &self.context {
            request = request.with_context_attributes(&**attributes);
        }
        request
    }
}

/// Not the attributes, which may be of people.
impl fmt::Debug for Circumstances {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Circumstances").field("active_roles", &self.active_roles).finish_non_exhaustive()
    }
}

//! The question that an authorizer answers.

use std::{net::IpAddr, time::Duration};

use crate::{
    authentication::Authentication,
    decimal::Decimal,
    decision::{Denial, DenialReason},
    limits::{Limits, Network, Scope},
    principal::{PrincipalId, Realm, RoleName},
    proof::Authenticated,
    text::{self, Class, NameError, Text},
    time::UnixTime,
};

text::name! {
    /// What is to be done, named like the permission that allows it: `users.read`.
    Action, max: 128, class: Class::Identifier
}

text::name! {
    /// What sort of thing it is to be done to: `user`, `invoice`.
    ResourceKind, max: 64, class: Class::Identifier
}

/// What an action is done to: all of a kind, or one of them. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Resource {
    kind: ResourceKind,
    id: Option<Text>,
    tenant: Option<Realm>,
}

impl Resource {
    /// The most bytes that an id may have.
    pub const MAX_ID_LEN: usize = 255;

    /// Any resource of a kind.
    #[must_use]
    pub const fn any(kind: ResourceKind) -> Self {
        Self { kind, id: None, tenant: None }
    }

    /// One resource.
    ///
    /// # Errors
    /// [`NameError`] if `id` is empty, longer than 255 bytes or has a control character.
    pub fn one(kind: ResourceKind, id: &str) -> Result<Self, NameError> {
        text::check(id, Self::MAX_ID_LEN, Class::Printable)?;
        Ok(Self { kind, id: Some(Text::new(id)), tenant: None })
    }

    /// The same, stated to belong to a tenant. Limits on a tenant refuse resources that name another or none.
    #[must_use]
    pub fn of_tenant(mut self, tenant: Realm) -> Self {
        self.tenant = Some(tenant);
        self
    }

    /// What sort of thing it is.
    #[must_use]
    #[inline]
    pub fn kind(&self) -> &ResourceKind {
        &self.kind
    }

    /// Which one, or `None` for any of the kind.
    #[must_use]
    #[inline]
    pub fn id(&self) -> Option<&str> {
        self.id.as_ref().map(Text::as_str)
    }

    /// Whose it is.
    #[must_use]
    #[inline]
    pub fn tenant(&self) -> Option<&Realm> {
        self.tenant.as_ref()
    }
}

/// The value of an attribute.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum AttributeValue<'a> {
    /// True or false.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// A decimal number.
    Decimal(Decimal),
    /// Text.
    Text(&'a str),
    /// A moment.
    Time(UnixTime),
    /// A length of time, of which whole seconds count.
    Duration(Duration),
    /// An address.
    Address(IpAddr),
    /// A range of addresses.
    Network(Network),
    /// A principal, with its realm and its kind.
    Principal(&'a PrincipalId),
    /// A set of texts.
    Texts(&'a [&'a str]),
    /// A set of texts that somebody owns.
    Strings(&'a [String]),
    /// A set of whole numbers.
    Integers(&'a [i64]),
    /// A set of decimal numbers.
    Decimals(&'a [Decimal]),
    /// A set of moments.
    Times(&'a [UnixTime]),
    /// A set of lengths of time.
    Durations(&'a [Duration]),
    /// A set of addresses.
    Addresses(&'a [IpAddr]),
    /// A set of ranges of addresses.
    Networks(&'a [Network]),
    /// A set of principals.
    Principals(&'a [PrincipalId]),
}

/// Attributes of a principal, of a resource or of the circumstances, for engines that look at them.
pub trait Attributes: Sync {
    /// The attribute's value, or `None` if it has none.
    fn attribute(&self, name: &str) -> Option<AttributeValue<'_>>;
}

/// May this be done? Built only from an [`Authenticated`], so nobody is asked about who was not checked.
#[derive(Clone, Copy)]
pub struct AccessRequest<'a> {
    authenticated: &'a Authenticated,
    action: &'a Action,
    resource: &'a Resource,
    now: UnixTime,
    active_roles: Option<&'a [RoleName]>,
    source: Option<IpAddr>,
    principal_attributes: Option<&'a dyn Attributes>,
    resource_attributes: Option<&'a dyn Attributes>,
    context_attributes: Option<&'a dyn Attributes>,
}

impl std::fmt::Debug for AccessRequest<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccessRequest")
            .field("principal", self.principal())
            .field("action", self.action)
            .field("resource", self.resource)
            .field("now", &self.now)
            .finish_non_exhaustive()
    }
}

impl<'a> AccessRequest<'a> {
    /// Asks whether the principal may do `action` to `resource` at `now`.
    ///
    /// A permit holds copies of the names that it is about. Of names that are written in the program, as those of
    /// `permissions!` are, a copy touches nothing that threads share; of one that was read at run time and is kept for
    /// many threads it counts a reference, which they wait for each other to do.
    #[must_use]
    #[inline]
    pub fn new(
        authenticated: &'a Authenticated,
        action: &'a Action,
        resource: &'a Resource,
        now: UnixTime,
    ) -> Self {
        Self {
            authenticated,
            action,
            resource,
            now,
            active_roles: None,
            source: None,
            principal_attributes: None,
            resource_attributes: None,
            context_attributes: None,
        }
    }

    /// Uses only these of the roles that the principal holds or is granted by its credential (dynamic separation of duty, ANSI INCITS 359).
    /// A role that it neither holds nor inherits by one that it holds gives nothing.
    #[must_use]
    pub fn with_active_roles(mut self, roles: &'a [RoleName]) -> Self {
        self.active_roles = Some(roles);
        self
    }

    /// States where the request came from. Without it, limits on networks refuse.
    #[must_use]
    pub fn from_address(mut self, source: IpAddr) -> Self {
        self.source = Some(source);
        self
    }

    /// Adds what is known of the principal: its departments, its clearance. They are the word of whoever calls this,
    /// so read them from a store of yours, or from verified claims.
    #[must_use]
    pub fn with_principal_attributes(mut self, attributes: &'a dyn Attributes) -> Self {
        self.principal_attributes = Some(attributes);
        self
    }

    /// Adds what is known of the resource.
    #[must_use]
    pub fn with_resource_attributes(mut self, attributes: &'a dyn Attributes) -> Self {
        self.resource_attributes = Some(attributes);
        self
    }

    /// Adds what is known of the circumstances.
    #[must_use]
    pub fn with_context_attributes(mut self, attributes: &'a dyn Attributes) -> Self {
        self.context_attributes = Some(attributes);
        self
    }

    /// Who asks.
    #[must_use]
    #[inline]
    pub fn principal(&self) -> &'a PrincipalId {
        self.authenticated.principal()
    }

    /// How it is known who asks.
    #[must_use]
    #[inline]
    pub fn authentication(&self) -> &'a Authentication {
        self.authenticated.authentication()
    }

    /// The roles that the credential grants for this request, beside those that are assigned. The same principal
    /// may come without them, so whoever keeps decisions keeps them apart by these and by the active roles too.
    #[must_use]
    #[inline]
    pub fn asserted_roles(&self) -> &'a [RoleName] {
        self.authenticated.asserted_roles()
    }

    /// What is to be done.
    #[must_use]
    #[inline]
    pub fn action(&self) -> &'a Action {
        self.action
    }

    /// To what.
    #[must_use]
    #[inline]
    pub fn resource(&self) -> &'a Resource {
        self.resource
    }

    /// When.
    #[must_use]
    pub fn now(&self) -> UnixTime {
        self.now
    }

    /// The roles to use, or `None` for all that the principal holds.
    #[must_use]
    #[inline]
    pub fn active_roles(&self) -> Option<&'a [RoleName]> {
        self.active_roles
    }

    /// Where the request came from.
    #[must_use]
    pub fn source(&self) -> Option<IpAddr> {
        self.source
    }

    /// Whether the limits of the authentication leave room for it, whatever a policy says: its scopes, its tenant, its
    /// networks. [`AuthorizerExt::require`](crate::AuthorizerExt::require) asks this first; an authorizer asks it before
    /// it gives a [`Permit`](crate::Permit), for whoever takes its decision without `require`.
    ///
    /// # Errors
    /// The [`Denial`] to answer with.
    #[inline]
    pub fn check_limits(&self) -> Result<(), Denial> {
        let limits = &self.authentication().limits;
        if limits.is_unlimited() { Ok(()) } else { self.check_some(limits) }
    }

    #[inline(never)]
    fn check_some(&self, limits: &Limits) -> Result<(), Denial> {
        if let Some(scopes) = &limits.scopes {
            let action = self.action.as_str();
            if !scopes.contains(action) {
                let denial = Denial::new(DenialReason::Scope);
                return Err(match Scope::parse(action) {
                    Ok(scope) => denial.with_missing_scope(scope),
                    Err(_) => denial,
                });
            }
        }
        if limits.tenant.is_some() && limits.tenant.as_ref() != self.resource.tenant() {
            return Err(Denial::new(DenialReason::Tenant));
        }
        if let Some(networks) = &limits.networks {
            let inside = |source| networks.iter().any(|network| network.contains(source));
            if !self.source.is_some_and(inside) {
                return Err(Denial::new(DenialReason::Network));
            }
        }
        Ok(())
    }

    /// An attribute of the principal.
    #[must_use]
    pub fn principal_attribute(&self, name: &str) -> Option<AttributeValue<'a>> {
        self.principal_attributes.and_then(|attributes| attributes.attribute(name))
    }

    /// An attribute of the resource.
    #[must_use]
    pub fn resource_attribute(&self, name: &str) -> Option<AttributeValue<'a>> {
        self.resource_attributes.and_then(|attributes| attributes.attribute(name))
    }

    /// An attribute of the circumstances.
    #[must_use]
    pub fn context_attribute(&self, name: &str) -> Option<AttributeValue<'a>> {
        self.context_attributes.and_then(|attributes| attributes.attribute(name))
    }
}

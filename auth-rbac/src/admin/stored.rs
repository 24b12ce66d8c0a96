//! Changing the policy of a store.

use std::{fmt, net::IpAddr, sync::Arc};

use auth_core::{
    Attributes, AuditEvent, AuditSink, Authenticated, Clock, DurableAudit, PolicyVersion, RoleName,
    StoreError, UnixTime, Written,
};

use super::{
    AdminError, AdminPermissions, Administration, PolicyChange,
    held::{Asked, Asker},
    next,
    present::{Lookout, Present},
    unmade, written,
};
use crate::{
    source::{SourceError, aside},
    store::{PolicyStore, PolicyStoreError, Saved},
};

/// Changes the policy of a [`PolicyStore`] on behalf of people, none of whom hands out more than they hold: what
/// [`Administration`] is for a policy of roles that a program has built, for the whole policy of a store. Cheap to clone.
///
/// Whoever asks is measured by what is stored, roles, lists and rules, at the moment of asking; it is kept compiled
/// until it changes, so that who is refused costs one look whether it has, which serves all who wait for it
/// (`many_who_ask_at_once_load_a_policy_once`). The changes are written
/// down and then stored, if that still is the policy by which they were allowed; if another change was faster, all of it
/// begins anew.
///
/// What is stored counts when a [`PolicyReloader`](crate::PolicyReloader) has found it: ask
/// [`LivePolicy::check_at_least`](crate::LivePolicy::check_at_least) for the version that a change has answered.
///
/// ```
/// use std::sync::Arc;
///
/// use auth_core::{Authenticated, MemoryAudit, RoleName, PrincipalId, SystemClock};
/// use auth_rbac::{
///     AdminError, AdminPermissions, MemoryPolicy, PolicyChange, PolicyStore, StoredAdministration,
/// };
///
/// fn administration(store: impl PolicyStore + 'static) -> StoredAdministration {
///     // Where changes must not go unseen, `auth_core::JsonLines` is a file of them.
///     let audit = Arc::new(MemoryAudit::new(10_000));
///     let clock = Arc::new(SystemClock);
///     StoredAdministration::new(Arc::new(store), AdminPermissions::default(), audit, clock)
/// }
///
/// async fn promote(
///     administration: &StoredAdministration,
///     who: &Authenticated,
///     principal: PrincipalId,
/// ) -> Result<(), AdminError> {
///     let role = RoleName::from_static("clerk").into();
///     administration.by(who).apply(&[PolicyChange::Assign { principal, role, tenant: None }]).await?;
///     Ok(())
/// }
/// # administration(MemoryPolicy::new());
/// ```
#[derive(Clone)]
pub struct StoredAdministration {
    store: Arc<dyn PolicyStore>,
    audit: Arc<dyn DurableAudit>,
    refusals: Option<Arc<dyn AuditSink>>,
    clock: Arc<dyn Clock>,
    permissions: AdminPermissions,
    lookout: Arc<Lookout>,
}

impl StoredAdministration {
    /// How often changes begin anew because others were faster, before that is an error.
    pub const ATTEMPTS: u32 = 5;

    /// Takes changes to the policy of `store`. They are written to `audit` as [`AuditEvent::PolicyChanged`], on a thread
    /// that may block.
    #[must_use]
    pub fn new(
        store: Arc<dyn PolicyStore>,
        permissions: AdminPermissions,
        audit: Arc<dyn DurableAudit>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let lookout = Arc::new(Lookout::new(Arc::clone(&store)));
        Self { store, audit, refusals: None, clock, permissions, lookout }
    }

    /// Writes down what is refused, as [`AuditEvent::AccessDenied`] of who really asked. Without it, that is written down
    /// nowhere.
    #[must_use]
    pub fn with_refusals(mut self, audit: Arc<dyn AuditSink>) -> Self {
        self.refusals = Some(audit);
        self
    }

    /// Makes changes on behalf of somebody, with the limits of how they authenticated.
    #[must_use]
    pub fn by(&self, who: &Authenticated) -> StoredAdministering {
        StoredAdministering {
            administration: self.clone(),
            who: who.clone(),
            active_roles: None,
            source: None,
            principal_attributes: None,
            context_attributes: None,
        }
    }
}

impl fmt::Debug for StoredAdministration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredAdministration").field("permissions", &self.permissions).finish_non_exhaustive()
    }
}

/// Makes changes on behalf of somebody: [`StoredAdministration::by`].
#[derive(Clone)]
pub struct StoredAdministering {
    administration: StoredAdministration,
    who: Authenticated,
    active_roles: Option<Vec<RoleName>>,
    source: Option<IpAddr>,
    principal_attributes: Option<Arc<dyn Attributes + Send>>,
    context_attributes: Option<Arc<dyn Attributes + Send>>,
}

impl StoredAdministering {
    /// Uses only these of the roles that are held.
    #[must_use]
    pub fn with_active_roles(mut self, roles: impl IntoIterator<Item = RoleName>) -> Self {
        self.active_roles = Some(roles.into_iter().collect());
        self
    }

    /// States where the request came from. Without it, limits on networks refuse.
    #[must_use]
    pub fn from_address(mut self, source: IpAddr) -> Self {
        self.source = Some(source);
        self
    }

    /// Adds what is known of who asks, for rules that look at it.
    #[must_use]
    pub fn with_principal_attributes(mut self, attributes: Arc<dyn Attributes + Send>) -> Self {
        self.principal_attributes = Some(attributes);
        self
    }

    /// Adds what is known of the circumstances, for rules that look at it.
    #[must_use]
    pub fn with_context_attributes(mut self, attributes: Arc<dyn Attributes + Send>) -> Self {
        self.context_attributes = Some(attributes);
        self
    }

    /// Makes all of the changes, in this order, or none, and answers the version since.
    ///
    /// What somebody holds is what they held before the first of the changes. Nobody changes the policy while they act
    /// as somebody else. No changes at all are made by anybody, and answer the present version.
    ///
    /// A future that is dropped before it ends leaves what was written down by then: the log may name changes as made
    /// that the store was never asked for, or may have made. Let it end, on a task of its own, where the log has to say.
    ///
    /// # Errors
    /// [`AdminError`]; then nothing has changed, unless the store does not know
    /// ([`StoreError::Unknown`](auth_core::StoreError::Unknown)).
    pub async fn apply(&self, changes: &[PolicyChange]) -> Result<PolicyVersion, AdminError> {
        let store = &self.administration.store;
        for _ in 0..StoredAdministration::ATTEMPTS {
            let present = self.examine(changes, Then::WriteDown).await?;
            if changes.is_empty() {
                return Ok(present);
            }
            match store.change(present, changes).await {
                Ok(Saved::Saved(version)) => return Ok(version),
                Ok(Saved::Conflict(_)) => self.unmade(changes, present.next()).await?,
                Err(error) => {
                    // What may be there stands as it was written down.
                    let may_be_there = matches!(&error, PolicyStoreError::Store(error) if error.written() == Written::Unknown);
                    if !may_be_there {
                        self.unmade(changes, present.next()).await?;
                    }
                    return Err(error.into());
                }
            }
        }
        Err(AdminError::Superseded)
    }

    /// Whether [`apply`](Self::apply) would make the changes, and to which version of the policy. None of them is made or
    /// written down; what is refused is.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn check(&self, changes: &[PolicyChange]) -> Result<PolicyVersion, AdminError> {
        self.examine(changes, Then::LeaveIt).await
    }

    /// Whether the changes may be made to what is stored, whose version it answers.
    async fn examine(&self, changes: &[PolicyChange], then: Then) -> Result<PolicyVersion, AdminError> {
        if changes.len() > Administration::MAX_CHANGES {
            return Err(AdminError::TooMany);
        }
        let present = self.administration.lookout.present().await?;
        let version = present.policy.version();
        if changes.is_empty() {
            return Ok(version);
        }
        // Who may change nothing costs no copy of the policy, and no thread.
        let now = self.administration.clock.now();
        self.noting_refusals(now, |refused| self.asked(&present, now).admit(changes, refused))?;
        let (asking, changes) = (self.clone(), changes.to_vec());
        let work = move || {
            let made = asking.noting_refusals(now, |refused| {
                asking.asked(&present, now).make(&changes, &present.roles, refused)
            })?;
            let version = next(&made, version)?.version();
            if let Then::WriteDown = then {
                let events = written(&asking.who, &changes, version);
                asking.administration.audit.append(now, &events).map_err(AdminError::Audit)?;
            }
            Ok::<_, AdminError>(())
        };
        aside(work).await.map_err(|error| match then {
            // It may have ended after it had written.
            Then::WriteDown => AdminError::Audit(StoreError::unknown(error)),
            Then::LeaveIt => SourceError::Read(error).into(),
        })??;
        Ok(version)
    }

    /// Writes down that changes were not made which were written down to be.
    async fn unmade(&self, changes: &[PolicyChange], version: PolicyVersion) -> Result<(), AdminError> {
        let (asking, now) = (self.clone(), self.administration.clock.now());
        let events = unmade(&self.who, changes, version);
        let work = move || asking.administration.audit.append(now, &events);
        let ended = aside(work).await.map_err(StoreError::unknown);
        ended.and_then(|written| written).map_err(AdminError::Audit)
    }

    fn asked<'s>(&'s self, present: &'s Present, now: UnixTime) -> Asked<'s> {
        let lend = |attributes: &'s Option<Arc<dyn Attributes + Send>>| {
            attributes.as_deref().map(|attributes| attributes as &dyn Attributes)
        };
        let by = Asker {
            who: &self.who,
            active_roles: self.active_roles.as_deref(),
            source: self.source,
            principal_attributes: lend(&self.principal_attributes),
            context_attributes: lend(&self.context_attributes),
            now,
        };
        Asked {
            by,
            roles: present.policy.roles(),
            guard: Some(&present.policy),
            permissions: &self.administration.permissions,
        }
    }

    fn noting_refusals<T>(&self, now: UnixTime, work: impl FnOnce(&mut Option<AuditEvent>) -> T) -> T {
        let mut refused = None;
        let done = work(&mut refused);
        if let (Some(audit), Some(event)) = (&self.administration.refusals, refused) {
            audit.record(now, &event);
        }
        done
    }
}

/// What is done about changes that may be made.
#[derive(Clone, Copy)]
enum Then {
    WriteDown,
    LeaveIt,
}

impl fmt::Debug for StoredAdministering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredAdministering").field("by", self.who.principal()).finish_non_exhaustive()
    }
}

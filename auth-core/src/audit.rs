//! What is written down of what happened.

use std::{net::IpAddr, sync::Arc};

use crate::{
    AuthEpoch, DenialReason, Method, PolicyVersion, PrincipalId, RejectionReason, RoleName, RuleId,
    SessionId, SignalChange, StoreError, UnixTime, access::Action,
};

mod budget;
mod chain;
mod json_lines;
mod line;
mod sinks;

pub use budget::AuditBudget;
pub use chain::{
    AuditChain, ChainEntry, ChainHead,
    verify::{ChainBroken, ChainError, ChainExtent, ChainFault, ChainFaultKind, ChainVerifier},
};
pub use json_lines::{JsonLinesAudit, Rotation};
#[cfg(feature = "tracing")]
pub use sinks::TracingAudit;
pub use sinks::{DiscardAudit, MemoryAudit};

/// Writes down what happened.
///
/// `record` is called while a request is handled, so it returns at once: a sink that is slow queues, and
/// counts what it had to drop.
pub trait AuditSink: Send + Sync {
    /// Writes down that `event` happened at `at`.
    fn record(&self, at: UnixTime, event: &AuditEvent);
}

impl<T: AuditSink + ?Sized> AuditSink for &T {
    fn record(&self, at: UnixTime, event: &AuditEvent) {
        (**self).record(at, event);
    }
}

impl<T: AuditSink + ?Sized> AuditSink for Box<T> {
    fn record(&self, at: UnixTime, event: &AuditEvent) {
        (**self).record(at, event);
    }
}

impl<T: AuditSink + ?Sized> AuditSink for Arc<T> {
    fn record(&self, at: UnixTime, event: &AuditEvent) {
        (**self).record(at, event);
    }
}

/// Writes down what must not happen unseen, such as a change of the policy, and says whether it did.
///
/// Unlike an [`AuditSink`] it may block until the events are as safe as they will get, so it is asked by
/// administration and never by a request of everybody.
pub trait DurableAudit: Send + Sync {
    /// Writes down that these happened at `at`, together and in this order: all or none of them.
    ///
    /// # Errors
    /// [`StoreError`]; then what was about to happen does not.
    fn append(&self, at: UnixTime, events: &[AuditEvent]) -> Result<(), StoreError>;
}

macro_rules! forward_durable {
    ($($pointer:ty),*) => { $(
        impl<T: DurableAudit + ?Sized> DurableAudit for $pointer {
            fn append(&self, at: UnixTime, events: &[AuditEvent]) -> Result<(), StoreError> {
                (**self).append(at, events)
            }
        }
    )* };
}
forward_durable!(&T, Box<T>, Arc<T>);

/// Something that happened. It never carries a secret, a hash of one, or what a stranger typed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuditEvent {
    /// An account was made.
    AccountCreated {
        /// Whose.
        principal: PrincipalId,
    },
    /// Somebody signed up with a login that an account has already. They were told nothing of it.
    SignUpTaken {
        /// Whose login it is.
        principal: PrincipalId,
    },
    /// A credential was right. Whether that is a login, the gate has yet to say.
    FactorPassed {
        /// Whose.
        principal: PrincipalId,
        /// Of what sort it was.
        method: Method,
        /// From where.
        source: Option<IpAddr>,
    },
    /// A login is complete: the gate wants no further factor.
    LoggedIn {
        /// Who.
        principal: PrincipalId,
        /// By what, in the order in which it was passed.
        methods: Vec<Method>,
        /// From where.
        source: Option<IpAddr>,
    },
    /// A credential was refused.
    CredentialRefused {
        /// Why.
        reason: RejectionReason,
        /// Of what sort it was.
        method: Method,
        /// Whose it would have been, if that is known.
        principal: Option<PrincipalId>,
        /// From where.
        source: Option<IpAddr>,
    },
    /// Somebody tried too often.
    Throttled {
        /// At what: `login`, `basic`, `sign-up`, `second-factor`, `link`, `mail-code`, `text-message`, `api-key`,
        /// `signed-request`, or the purpose of a throttle of your own.
        what: &'static str,
        /// Whose account it was about, if that is known.
        principal: Option<PrincipalId>,
        /// From where.
        source: Option<IpAddr>,
    },
    /// Work was turned away because too much was waiting.
    Overloaded {
        /// What was full.
        what: &'static str,
    },
    /// A store had no room.
    StoreFull {
        /// Which one.
        store: &'static str,
    },
    /// A password was changed, or another credential replaced.
    CredentialChanged {
        /// Whose.
        principal: PrincipalId,
        /// Of what sort.
        method: Method,
        /// The account's epoch since.
        epoch: AuthEpoch,
    },
    /// A credential was added: a second factor, a key.
    CredentialAdded {
        /// Whose.
        principal: PrincipalId,
        /// Of what sort.
        method: Method,
        /// Which, where there may be several and they have names that are no secret.
        id: Option<String>,
    },
    /// A credential was removed.
    CredentialRemoved {
        /// Whose.
        principal: PrincipalId,
        /// Of what sort.
        method: Method,
        /// Which, where there may be several and they have names that are no secret.
        id: Option<String>,
    },
    /// A link was sent to the address of an account.
    LinkSent {
        /// Whose.
        principal: PrincipalId,
        /// What for: `verify`, `reset`, `magic-link`, `change-address`, `invite`.
        what: &'static str,
    },
    /// A code was sent to the address or the telephone of an account.
    CodeSent {
        /// Whose.
        principal: PrincipalId,
        /// By what: `mail-code`, `sms`.
        method: Method,
    },
    /// Somebody has proven to read the mail of an address, which is the account's login from then on.
    AddressProven {
        /// Whose.
        principal: PrincipalId,
        /// The account's epoch since.
        epoch: AuthEpoch,
    },
    /// A message could not be handed over.
    NotSent {
        /// What for.
        what: &'static str,
    },
    /// Somebody else who was to be asked did not answer, and it was gone on without them or not at all.
    Unanswered {
        /// What was asked about: `leaked-password`.
        what: &'static str,
    },
    /// A stored hash was brought up to the current parameters.
    CredentialRehashed {
        /// Whose.
        principal: PrincipalId,
    },
    /// An account was disabled.
    AccountDisabled {
        /// Whose.
        principal: PrincipalId,
        /// The account's epoch since.
        epoch: AuthEpoch,
    },
    /// An account was enabled again.
    AccountEnabled {
        /// Whose.
        principal: PrincipalId,
    },
    /// A session began.
    SessionStarted {
        /// Which.
        session: SessionId,
        /// Whose, if anybody's.
        principal: Option<PrincipalId>,
    },
    /// A session ended.
    SessionEnded {
        /// Which.
        session: SessionId,
        /// Why: `logout`, `login`, `revoked`, `client-changed`, `impersonation`, `rank`.
        why: &'static str,
    },
    /// All sessions of a principal but perhaps one ended.
    SessionsEnded {
        /// Whose.
        principal: PrincipalId,
        /// How many.
        count: u64,
        /// The epoch that lives on.
        epoch: AuthEpoch,
    },
    /// Sessions of a principal ended because of a limit, for one that began.
    SessionsEndedByLimit {
        /// Whose.
        principal: PrincipalId,
        /// How many, those that began first.
        count: u32,
        /// Which one began.
        session: SessionId,
    },
    /// A secret was presented after its successor had been received: somebody has a copy. The session ended.
    SessionReplayed {
        /// Which.
        session: SessionId,
        /// Whose.
        principal: Option<PrincipalId>,
    },
    /// The answer to a rotation seems to have been lost; another secret was issued.
    SessionReissued {
        /// Which.
        session: SessionId,
    },
    /// A session is used by a client that looks unlike the one that began it.
    ClientChanged {
        /// Which.
        session: SessionId,
        /// Whose.
        principal: PrincipalId,
        /// What changed.
        change: SignalChange,
        /// What was done about it: `observed`, `challenged`, `ended`.
        outcome: &'static str,
    },
    /// Somebody began to act as somebody else.
    Impersonated {
        /// As whom.
        principal: PrincipalId,
        /// Who.
        actor: PrincipalId,
        /// In which session.
        session: SessionId,
    },
    /// A token was issued.
    TokenIssued {
        /// For whom.
        principal: PrincipalId,
        /// Its `jti`.
        id: String,
    },
    /// A request of another site was refused.
    CrossSiteRefused {
        /// From where it was sent.
        source: Option<IpAddr>,
    },
    /// The server does not tell from where requests are sent, so all of them share what is meant for one source.
    /// Said once.
    PeerUnknown,
    /// Something was not allowed.
    AccessDenied {
        /// To whom.
        principal: PrincipalId,
        /// What.
        action: Action,
        /// Why.
        reason: DenialReason,
        /// Under which policy.
        version: Option<PolicyVersion>,
        /// By which rule.
        rule: Option<RuleId>,
    },
    /// A role was given.
    RoleGranted {
        /// To whom.
        principal: PrincipalId,
        /// Which.
        role: RoleName,
        /// By whom, if by a principal.
        by: Option<PrincipalId>,
    },
    /// A role was taken away.
    RoleRevoked {
        /// From whom.
        principal: PrincipalId,
        /// Which.
        role: RoleName,
        /// By whom, if by a principal.
        by: Option<PrincipalId>,
    },
    /// Another policy is in force.
    PolicyLoaded {
        /// Its version.
        version: PolicyVersion,
    },
    /// The policy was changed by somebody.
    PolicyChanged {
        /// By whom.
        by: PrincipalId,
        /// What is different, in words.
        change: String,
        /// The version since.
        version: PolicyVersion,
    },
    /// A change of the policy that was written down before was not made: another one came in between, or the store failed.
    PolicyUnchanged {
        /// By whom it would have been.
        by: PrincipalId,
        /// What is not different, in the words of [`PolicyChanged`](Self::PolicyChanged).
        change: String,
        /// The version that it would have had.
        version: PolicyVersion,
    },
    /// An account was removed.
    AccountRemoved {
        /// Whose.
        principal: PrincipalId,
        /// By whom, if by a principal.
        by: Option<PrincipalId>,
    },
    /// So many events of one sort came at once that some were not written: strangers can cause them as often as they
    /// like. Said before the next that is written.
    EventsSuppressed {
        /// The [name](AuditEvent::name) of the sort.
        event: &'static str,
        /// How many were not written.
        count: u64,
    },
    /// Events were lost, here or before: too many waited, or they could not be written. Said by the sink that lost them.
    EventsDropped {
        /// How many.
        count: u64,
    },
}

impl AuditEvent {
    /// A stable name for logs and metrics.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::AccountCreated { .. } => "account.created",
            Self::SignUpTaken { .. } => "sign-up.taken",
            Self::FactorPassed { .. } => "factor.passed",
            Self::LoggedIn { .. } => "login",
            Self::CredentialRefused { .. } => "credential.refused",
            Self::Throttled { .. } => "throttled",
            Self::Overloaded { .. } => "overloaded",
            Self::StoreFull { .. } => "store.full",
            Self::CredentialChanged { .. } => "credential.changed",
            Self::CredentialAdded { .. } => "credential.added",
            Self::CredentialRemoved { .. } => "credential.removed",
            Self::LinkSent { .. } => "link.sent",
            Self::CodeSent { .. } => "code.sent",
            Self::AddressProven { .. } => "address.proven",
            Self::NotSent { .. } => "not-sent",
            Self::Unanswered { .. } => "unanswered",
            Self::CredentialRehashed { .. } => "credential.rehashed",
            Self::AccountDisabled { .. } => "account.disabled",
            Self::AccountEnabled { .. } => "account.enabled",
            Self::SessionStarted { .. } => "session.started",
            Self::SessionEnded { .. } => "session.ended",
            Self::SessionsEnded { .. } => "sessions.ended",
            Self::SessionsEndedByLimit { .. } => "sessions.ended-by-limit",
            Self::SessionReplayed { .. } => "session.replayed",
            Self::SessionReissued { .. } => "session.reissued",
            Self::ClientChanged { .. } => "session.client-changed",
            Self::Impersonated { .. } => "session.impersonated",
            Self::TokenIssued { .. } => "token.issued",
            Self::CrossSiteRefused { .. } => "cross-site.refused",
            Self::PeerUnknown => "peer.unknown",
            Self::AccessDenied { .. } => "access.denied",
            Self::RoleGranted { .. } => "role.granted",
            Self::RoleRevoked { .. } => "role.revoked",
            Self::PolicyLoaded { .. } => "policy.loaded",
            Self::PolicyChanged { .. } => "policy.changed",
            Self::PolicyUnchanged { .. } => "policy.unchanged",
            Self::AccountRemoved { .. } => "account.removed",
            Self::EventsSuppressed { .. } => "audit.suppressed",
            Self::EventsDropped { .. } => "audit.dropped",
        }
    }

    /// Whom it is about, if that is known; of a policy that was changed, by whom it was.
    #[must_use]
    pub const fn principal(&self) -> Option<&PrincipalId> {
        match self {
            Self::AccountCreated { principal }
            | Self::SignUpTaken { principal }
            | Self::FactorPassed { principal, .. }
            | Self::LoggedIn { principal, .. }
            | Self::CredentialChanged { principal, .. }
            | Self::CredentialAdded { principal, .. }
            | Self::CredentialRemoved { principal, .. }
            | Self::LinkSent { principal, .. }
            | Self::CodeSent { principal, .. }
            | Self::AddressProven { principal, .. }
            | Self::CredentialRehashed { principal }
            | Self::AccountDisabled { principal, .. }
            | Self::AccountEnabled { principal }
            | Self::SessionsEnded { principal, .. }
            | Self::SessionsEndedByLimit { principal, .. }
            | Self::ClientChanged { principal, .. }
            | Self::Impersonated { principal, .. }
            | Self::TokenIssued { principal, .. }
            | Self::AccessDenied { principal, .. }
            | Self::RoleGranted { principal, .. }
            | Self::RoleRevoked { principal, .. }
            | Self::PolicyChanged { by: principal, .. }
            | Self::PolicyUnchanged { by: principal, .. }
            | Self::AccountRemoved { principal, .. } => Some(principal),
            Self::CredentialRefused { principal, .. }
            | Self::Throttled { principal, .. }
            | Self::SessionStarted { principal, .. }
            | Self::SessionReplayed { principal, .. } => principal.as_ref(),
            Self::Overloaded { .. }
            | Self::StoreFull { .. }
            | Self::NotSent { .. }
            | Self::Unanswered { .. }
            | Self::SessionEnded { .. }
            | Self::SessionReissued { .. }
            | Self::CrossSiteRefused { .. }
            | Self::PeerUnknown
            | Self::PolicyLoaded { .. }
            | Self::EventsSuppressed { .. }
            | Self::EventsDropped { .. } => None,
        }
    }

    /// The event as a JSON object (RFC 8259) on one line, without a line feed: what every sink that keeps text writes.
    ///
    /// `{"at":1800000000,"name":"login","principal":{"realm":"local:default","kind":"user","id":"42"},..}`, with the
    /// fields in this order, and those that are `None` left out.
    #[must_use]
    pub fn to_json(&self, at: UnixTime) -> String {
        line::of(at, self)
    }
}

#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(
    not(feature = "conformance"),
    allow(rustdoc::broken_intra_doc_links, reason = "the traits name the suites, which are a feature")
)]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects, reason = "test code"))]

mod access;
mod account;
mod audit;
mod authentication;
mod authenticator;
mod authorizer;
#[cfg(feature = "conformance")]
pub mod conformance;
mod counter;
mod decimal;
mod decision;
mod entropy;
mod gate;
mod key_ring;
mod limits;
mod memory;
mod principal;
mod privileges;
mod proof;
mod refusal;
mod secret;
mod session;
mod session_blob;
mod session_id;
mod session_terms;
mod store;
#[cfg(feature = "testing")]
pub mod testing;
mod text;
mod time;
mod token;

#[cfg(feature = "tracing")]
pub use audit::TracingAudit;
pub use {
    access::{AccessRequest, Action, AttributeValue, Attributes, Resource, ResourceKind},
    account::{
        Account, AccountChange, AccountStatus, Applied, Created, CredentialBlob, CredentialKey,
        CredentialKind, CredentialRecord, EpochBump, FoundCredential,
    },
    audit::{
        AuditBudget, AuditChain, AuditEvent, AuditSink, ChainBroken, ChainEntry, ChainError, ChainExtent,
        ChainFault, ChainFaultKind, ChainHead, ChainVerifier, DiscardAudit, DurableAudit, JsonLinesAudit,
        MemoryAudit, Rotation,
    },
    authentication::{Assurance, AuthEpoch, Authentication, FactorKind, Method},
    authenticator::{AuthenticateError, Authenticator},
    authorizer::{AsyncAuthorizer, AsyncAuthorizerExt, Authorizer, AuthorizerExt, Local},
    counter::{Count, CounterKey, Window},
    decimal::{Decimal, DecimalError},
    decision::{
        AnyPermission, Decision, Denial, DenialReason, Effect, Indeterminate, Obligation, Permission, Permit,
        PolicyVersion, RuleId,
    },
    entropy::{Entropy, EntropyError, SystemEntropy, entropy_array},
    gate::{Enrolled, GateError, Judgement, LoginGate, LoginOutcome, LoginPolicy},
    key_ring::{Binding, DerivedKey, KeyName, KeyRing, KeyRingError, OpenError, Purpose},
    limits::{Limits, Network, NetworkError, Scope, Scopes, ScopesError},
    memory::{MemoryAccounts, MemoryAssignments, MemoryCounters, MemorySessions, MemoryTokens},
    principal::{Assignment, GroupName, LoginName, PrincipalId, PrincipalKind, Realm, RoleName},
    privileges::Privileges,
    proof::{Authenticated, FactorPassed, LiveSession, Login, PendingLogin},
    refusal::{
        Challenge, DecideError, Malformed, Refusal, Rejection, RejectionReason, Throttled, Unavailable,
    },
    secret::{Secret, SecretHash, SessionSecret},
    session::{
        EndAll, EpochMarker, Inserted, Presented, Rotated, SecretState, SessionKind, SessionLimit,
        SessionRecord, SessionSummary, WhenReached,
    },
    session_blob::{BlobError, SessionBlob, Slot},
    session_id::{PrincipalTag, SessionId, SessionOwner},
    session_terms::{ClientLabel, ClientSignals, KeyThumbprint, SessionTerms, SignalChange},
    store::{
        Page, StoreError, Updated, Version, Written,
        account::{AccountEpochs, AccountStore, EpochSource},
        assignment::AssignmentStore,
        counter::CounterStore,
        credential::CredentialStore,
        session::SessionStore,
        session_rows::{SessionDatabase, SessionRows, TransactionalSessions},
        token::TokenStore,
    },
    text::NameError,
    time::{Clock, SystemClock, UnixTime},
    token::{Claim, Put, TokenKey, TokenRecord, TokenSubject},
};

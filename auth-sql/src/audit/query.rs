//! What is looked for in the log, and what is found.

use auth_core::{PrincipalId, UnixTime};

/// What is looked for in the audit log. Both ways have an index.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct AuditQuery {
    pub(crate) principal: Option<PrincipalId>,
    pub(crate) since: UnixTime,
    pub(crate) until: UnixTime,
}

impl AuditQuery {
    /// Everything.
    pub const fn all() -> Self {
        Self { principal: None, since: UnixTime::EPOCH, until: UnixTime::MAX }
    }

    /// What is about one principal ([`AuditEvent::principal`](auth_core::AuditEvent::principal)).
    pub const fn of(principal: PrincipalId) -> Self {
        Self { principal: Some(principal), since: UnixTime::EPOCH, until: UnixTime::MAX }
    }

    /// What happened at this moment or later.
    pub const fn since(mut self, since: UnixTime) -> Self {
        self.since = since;
        self
    }

    /// What happened before this moment.
    pub const fn until(mut self, until: UnixTime) -> Self {
        self.until = until;
        self
    }
}

/// An event as the log has it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuditRecord {
    /// Its number: they go up in the order in which events were written.
    pub entry: u64,
    /// When it happened.
    pub at: UnixTime,
    /// What it was: [`AuditEvent::name`](auth_core::AuditEvent::name).
    pub name: String,
    /// Whom it is about.
    pub principal: Option<PrincipalId>,
    /// All of it: [`AuditEvent::to_json`](auth_core::AuditEvent::to_json).
    pub json: String,
}

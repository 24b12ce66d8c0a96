//! What was promised.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
};

use auth_core::{PrincipalId, SessionId, UnixTime};

use crate::jar::Jar;

/// An account.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) principal: PrincipalId,
    /// The epoch of its logins; what is older is about to end.
    pub(crate) epoch: AtomicU64,
    /// What is older than this was ended, and that was acknowledged.
    pub(crate) ended_before: AtomicU64,
    /// One change at a time, as an account store makes them.
    pub(crate) change: tokio::sync::Mutex<()>,
}

impl Account {
    pub(crate) fn new(principal: PrincipalId) -> Self {
        Self {
            principal,
            epoch: AtomicU64::new(0),
            ended_before: AtomicU64::new(0),
            change: tokio::sync::Mutex::default(),
        }
    }
}

/// A session that was acknowledged to have begun.
#[derive(Debug)]
pub(crate) struct Live {
    pub(crate) id: SessionId,
    pub(crate) account: Arc<Account>,
    pub(crate) epoch: AtomicU64,
    pub(crate) jar: Jar,
    /// Somebody has begun to end it, or a failure has left it open whether it lives.
    pub(crate) may_be_over: AtomicBool,
    /// Its end was acknowledged.
    pub(crate) is_over: AtomicBool,
    /// An answer with the only secret that opens it was thrown away: nobody can open it.
    pub(crate) is_lost: AtomicBool,
    /// How often its secret was replaced without grace.
    pub(crate) replaced: AtomicU64,
    /// What was acknowledged to have been added, and what may have been.
    pub(crate) added: AtomicU64,
    pub(crate) maybe_added: AtomicU64,
    /// When it ends unless it is used, at the earliest that can be known, and when it ends in any case.
    pub(crate) idle_until: Mutex<UnixTime>,
    pub(crate) absolute_until: UnixTime,
}

/// What may be said of a session at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Said {
    /// It is there.
    Alive,
    /// It was ended.
    Over,
    /// Either: somebody is ending it, or an answer never came.
    Unknown,
}

impl Live {
    pub(crate) fn said(&self, now: UnixTime) -> Said {
        let epoch = self.epoch.load(SeqCst);
        if self.is_over.load(SeqCst)
            || epoch < self.account.ended_before.load(SeqCst)
            || now >= self.absolute_until
        {
            return Said::Over;
        }
        let unsure = self.may_be_over.load(SeqCst)
            || self.is_lost.load(SeqCst)
            || epoch < self.account.epoch.load(SeqCst)
            || now >= *self.idle_until.lock().unwrap_or_else(PoisonError::into_inner);
        if unsure { Said::Unknown } else { Said::Alive }
    }

    pub(crate) fn used_until(&self, idle_until: UnixTime) {
        let mut known = self.idle_until.lock().unwrap_or_else(PoisonError::into_inner);
        *known = (*known).max(idle_until);
    }
}

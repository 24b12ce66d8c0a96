//! What was promised.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst},
};

use auth_core::{PrincipalId, SessionId, UnixTime};

use crate::{
    jar::Jar,
    tokens::Tokens,
    torture::{absolute_until, idle_until},
};

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
    /// Logins that are under way.
    pub(crate) beginning: AtomicUsize,
    /// Sessions that are there and not known: ended by a check that failed to, or begun by a login that did.
    pub(crate) strangers: AtomicUsize,
    /// Rounds for which a login that was not answered may still come to be.
    pub(crate) unsure: AtomicU64,
    /// How many sessions logins said that their limit has ended, since the last check.
    pub(crate) ended_by_limit: AtomicU64,
}

/// For how many rounds a call that was not answered may still happen: a server that was frozen goes on with what it had
/// read.
const UNSURE: u64 = 4;

impl Account {
    pub(crate) fn new(principal: PrincipalId) -> Self {
        Self {
            principal,
            epoch: AtomicU64::new(0),
            ended_before: AtomicU64::new(0),
            change: tokio::sync::Mutex::default(),
            beginning: AtomicUsize::new(0),
            strangers: AtomicUsize::new(0),
            unsure: AtomicU64::new(0),
            ended_by_limit: AtomicU64::new(0),
        }
    }
}

impl Account {
    /// A login was not answered.
    pub(crate) fn login_failed(&self) {
        self.strangers.fetch_add(1, SeqCst);
        self.unsure.store(UNSURE, SeqCst);
    }
}

/// A session that was acknowledged to have begun.
#[derive(Debug)]
pub(crate) struct Live {
    pub(crate) id: SessionId,
    pub(crate) account: Arc<Account>,
    pub(crate) epoch: AtomicU64,
    pub(crate) began: UnixTime,
    pub(crate) jar: Jar,
    /// What a client has instead of a cookie, if it is none that keeps cookies.
    pub(crate) tokens: Option<Tokens>,
    /// Somebody has begun to end it, or a failure has left it open whether it lives.
    pub(crate) may_be_over: AtomicBool,
    /// Its end was acknowledged.
    pub(crate) is_over: AtomicBool,
    /// Logins of the account came near the limit of sessions: one of them may have ended it.
    pub(crate) may_be_pushed: AtomicBool,
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
    pub(crate) fn new(id: SessionId, account: Arc<Account>, epoch: u64, began: UnixTime) -> Self {
        Self {
            id,
            account,
            epoch: AtomicU64::new(epoch),
            began,
            jar: Jar::default(),
            tokens: None,
            may_be_over: false.into(),
            is_over: false.into(),
            may_be_pushed: false.into(),
            is_lost: false.into(),
            replaced: AtomicU64::new(0),
            added: AtomicU64::new(0),
            maybe_added: AtomicU64::new(0),
            idle_until: idle_until(began).into(),
            absolute_until: absolute_until(began),
        }
    }

    pub(crate) fn said(&self, now: UnixTime) -> Said {
        match self.said_without_limit(now) {
            Said::Alive if self.may_be_pushed.load(SeqCst) => Said::Unknown,
            said => said,
        }
    }

    /// The same, if there were no limit of sessions.
    pub(crate) fn said_without_limit(&self, now: UnixTime) -> Said {
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

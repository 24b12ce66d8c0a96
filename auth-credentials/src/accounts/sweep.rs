//! Ending what an earlier epoch began.

use auth_core::{
    Account, AccountChange, Applied, AuditEvent, AuthEpoch, EndAll, EpochBump, KeyRing, Page, PrincipalId,
    SessionId, SessionOwner, SessionStore, StoreError,
};

use super::{Accounts, TRIES};

/// That an account's epoch was raised: what was begun before is dead, and its sessions are still to be swept.
///
/// Until they are, the account remembers. Hand this to [`Accounts::finish_sweep`], or end the sessions by the
/// session layer at [`epoch`](Self::epoch) and then call [`Accounts::sweep_done`]. Lost in a crash, it is made
/// good by [`Accounts::finish_sweeps`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "the sessions of before are still to be ended"]
pub struct EpochRaised {
    principal: PrincipalId,
    epoch: AuthEpoch,
}

impl EpochRaised {
    pub(crate) fn of(account: &Account) -> Self {
        Self { principal: account.id.clone(), epoch: account.epoch }
    }

    /// Whose.
    #[must_use]
    pub fn principal(&self) -> &PrincipalId {
        &self.principal
    }

    /// The epoch that lives on.
    #[must_use]
    pub fn epoch(&self) -> AuthEpoch {
        self.epoch
    }
}

impl Accounts {
    /// Ends the sessions of before, but for `except`, and notes that it is done. Answers how many ended.
    ///
    /// `except` is the session of the request that raised the epoch; it is moved up to the new one, and its secret
    /// stays: a stolen copy of its cookie lives on with it. Where there is a session layer, spare it by
    /// `Session::end_all_others`, which replaces the secret, and then call [`sweep_done`](Self::sweep_done). `keys` is
    /// the ring whose tags the session ids carry.
    ///
    /// Only a session of the epoch directly before is spared. One that is older was to end with an earlier raise:
    /// it may be a stolen one, in use for as long as epochs are cached, and does not outlive the owner's change by
    /// asking for another. So whoever raises twice sweeps twice, in the same order, each time with the session to
    /// spare; if another sweep comes first, that session ends as well, and its owner logs in again. Repeating a
    /// sweep harms nobody.
    ///
    /// # Errors
    /// [`StoreError`]: some may live on. [`finish_sweeps`](Self::finish_sweeps) will end them, and the epoch
    /// check of the session layer refuses them meanwhile.
    pub async fn finish_sweep(
        &self,
        raised: &EpochRaised,
        sessions: &dyn SessionStore,
        keys: &KeyRing,
        except: Option<&SessionId>,
    ) -> Result<u64, StoreError> {
        let owner = SessionOwner::new(raised.principal.clone(), keys);
        let what = EndAll { owner: &owner, except, epoch: raised.epoch };
        let count = sessions.end_all(what, self.authenticator.clock.now()).await?;
        let (principal, epoch) = (raised.principal.clone(), raised.epoch);
        self.authenticator.record(&AuditEvent::SessionsEnded { principal, count, epoch });
        self.sweep_done(raised).await?;
        Ok(count)
    }

    /// Notes that the sessions of before were ended, unless the epoch was raised again since.
    ///
    /// # Errors
    /// [`StoreError`]: the account still says that they are to be ended, which will be done again.
    pub async fn sweep_done(&self, raised: &EpochRaised) -> Result<(), StoreError> {
        let accounts = &self.authenticator.stores.accounts;
        for _ in 0..TRIES {
            let Some(account) = accounts.by_id(&raised.principal).await? else { return Ok(()) };
            // A later epoch is somebody else's sweep, and not done yet.
            if !account.sweep_pending || account.epoch != raised.epoch {
                return Ok(());
            }
            let done = [AccountChange::SweepDone];
            match accounts.apply(&account.id, account.version, &done, EpochBump::Keep).await? {
                Applied::Applied(_) | Applied::Gone => return Ok(()),
                Applied::Conflict | Applied::LoginTaken => {}
            }
        }
        // The account changes all the time; whoever comes next sweeps it again, which harms nobody.
        Ok(())
    }

    /// Makes good the sweeps that were not finished, until none is pending. Answers how many sessions ended.
    ///
    /// Call it at start-up and now and then: a crash between a password change and its sweep is healed by it.
    /// A sweep that is just under way elsewhere may be overtaken; then the session that was to live on ends
    /// too, and its owner logs in with the new password.
    ///
    /// # Errors
    /// [`StoreError`]: call it again.
    pub async fn finish_sweeps(
        &self,
        sessions: &dyn SessionStore,
        keys: &KeyRing,
    ) -> Result<u64, StoreError> {
        let mut ended: u64 = 0;
        let mut last = Vec::new();
        loop {
            let pending = self.authenticator.stores.accounts.sweeps_pending(Page::first()).await?;
            let pending: Vec<EpochRaised> = pending.iter().map(EpochRaised::of).collect();
            // The same again: others keep changing these accounts, and the next call will find them quieter.
            if pending.is_empty() || pending == last {
                return Ok(ended);
            }
            for raised in &pending {
                ended = ended.saturating_add(self.finish_sweep(raised, sessions, keys, None).await?);
            }
            last = pending;
        }
    }
}

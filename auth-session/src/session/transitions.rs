//! Changing privilege, and logging out.

use auth_core::{AuthEpoch, Refusal, Rotated, SessionSecret, StoreError, Unavailable};

use crate::{session::Session, sessions::Engine};

/// A session's secret was not replaced.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RotateError {
    /// There is no session, or it ended meanwhile. Nobody is logged in.
    #[error("there is no session")]
    Ended,
    /// So many requests write to the session at once that this one did not get its turn.
    #[error("too many requests write to the session at once")]
    Contended,
    /// A store failed, or there is no randomness.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl From<StoreError> for RotateError {
    fn from(error: StoreError) -> Self {
        Self::Unavailable(error.into())
    }
}

impl From<RotateError> for Refusal {
    fn from(error: RotateError) -> Self {
        match error {
            RotateError::Ended => Self::Unauthenticated,
            RotateError::Contended => StoreError::not_written(error).into(),
            RotateError::Unavailable(unavailable) => unavailable.into(),
        }
    }
}

impl Session {
    /// Replaces the secret because of a change of privilege: call it before what the change allows. The old
    /// secret is dead at once; [`commit`](Self::commit) makes the cookie with the new one.
    ///
    /// Id, deadlines and data stay. A change that comes with a login of its own, such as a second factor, is
    /// [`start`](Self::start).
    ///
    /// # Errors
    /// [`RotateError`].
    pub async fn rotate(&mut self) -> Result<(), RotateError> {
        for _ in 0..Engine::TRIES {
            let Some(live) = &mut self.live else { return Err(RotateError::Ended) };
            let secret = SessionSecret::generate(&self.engine.entropy).map_err(Unavailable::from)?;
            let next = live.record.secret.replaced(secret.hash(), self.engine.clock.now());
            match self.engine.store.rotate(&live.record.id, live.record.version, &next).await? {
                Rotated::Rotated => {
                    live.hash = next.current;
                    live.record.secret = next;
                    live.record.version = live.record.version.next();
                    self.issued = Some(secret);
                    return Ok(());
                }
                Rotated::Conflict => match self.engine.reload(live).await? {
                    Some(fresh) => *live = fresh,
                    None => self.lose(),
                },
                Rotated::Gone => self.lose(),
            }
        }
        Err(if self.live.is_some() { RotateError::Contended } else { RotateError::Ended })
    }

    /// Ends all other sessions of whoever is logged in, logins that are under way included, and replaces the
    /// secret of this one: a stolen copy of it must not be what is spared. Answers how many ended.
    ///
    /// `epoch` is the account's new one: raise it by one in the account store first, in one transaction with what
    /// changed. This session is spared if it was good until then, that is, if it is of the epoch directly before:
    /// a stolen one that an earlier change should have ended ends now. Whoever raises twice makes this call twice,
    /// in the same order; after a later change has ended this session, it stays ended.
    ///
    /// # Errors
    /// [`RotateError`]; [`RotateError::Ended`] if this session was not spared. The call may be repeated.
    pub async fn end_all_others(&mut self, epoch: AuthEpoch) -> Result<u64, RotateError> {
        let Some((id, authenticated)) = self.id().zip(self.authenticated().cloned()) else {
            return Err(RotateError::Ended);
        };
        let count = self.engine.end_all(authenticated.principal(), Some(&id), epoch).await?;
        // The row was moved up to the epoch: see what it is now.
        if let Some(live) = &mut self.live {
            match self.engine.reload(live).await? {
                Some(fresh) => *live = fresh,
                None => self.lose(),
            }
        }
        self.rotate().await?;
        Ok(count)
    }

    /// Ends the session: logs out. Answers whether there was one. What was set and not committed is dropped.
    ///
    /// [`commit`](Self::commit) clears the cookie, also that of a session that had ended before. Only the holder of the
    /// session's secret gets here, so a stranger who knows the public id logs nobody out. A secret that a
    /// [change of privilege](Self::rotate) has replaced a moment ago, in another tab, holds the session no more: then
    /// the answer is that there was none, and the one with the new secret lives on.
    ///
    /// # Errors
    /// [`Unavailable`]: the session may live on, and the cookie is kept so that logging out can be tried again.
    pub async fn end(&mut self) -> Result<bool, Unavailable> {
        let now = self.engine.clock.now();
        let ended = match (self.held(), self.damaged) {
            (Some(live), _) if live.authenticated.is_some() => {
                self.engine.end(&live.record.id, "logout", now).await?
            }
            (Some(live), _) => self.engine.end_nobodys(&live.record.id, now).await?,
            (None, Some(damaged)) => self.engine.end_nobodys(&damaged.id, now).await?,
            (None, None) => false,
        };
        self.forget();
        (self.clears, self.lost) = (self.carried, false);
        Ok(ended)
    }
}

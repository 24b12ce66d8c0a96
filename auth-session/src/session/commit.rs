//! The end of a request.

use auth_core::{AuditEvent, Rotated, SecretState, SessionSecret, Updated};

use crate::{
    cookie::SetCookie,
    data::{MergeError, merge},
    outgoing::{CommitError, Outgoing},
    session::{
        Session,
        new::{Beginning, New},
    },
    sessions::{Due, Engine},
};

impl Session {
    /// Writes what was changed, replaces the secret if its time has come, and makes the cookie to send.
    ///
    /// - Data that did not change is not written. Data that another request changed meanwhile is merged slot
    ///   by slot; the same slot changed by both is merged as [its type says](crate::SessionData::merge), and
    ///   otherwise is [`CommitError::Conflict`].
    /// - Data of a visitor without a session begins an anonymous one. So does data that is set over a cookie that opens
    ///   nothing any more: the new one's takes the place of whatever the browser holds by then, a newer login's too.
    /// - A session that ended meanwhile is not brought back, and no cookie is sent for it.
    /// - A cookie is cleared by logging out, and if we never made it. One whose session has ended is left alone: this
    ///   answer may arrive after that of a newer login, and would clear that one's.
    ///
    /// It does not look at the answer's status: whoever calls it decides whether an answer that reports an
    /// error saves data. Replacing a secret by age is left to the next request if the store fails at it;
    /// an old secret keeps working until then.
    pub async fn commit(mut self) -> Outgoing {
        let saved = self.save().await;
        if matches!(saved, Err(CommitError::Ended)) {
            // Neither set nor cleared: the browser may hold a newer session's cookie by now.
            return Outgoing { cookie: None, saved };
        }
        self.renew().await;
        Outgoing { cookie: self.cookie(), saved }
    }

    /// What [`commit`](Self::commit) will answer, if it is known without asking the store: most requests change
    /// nothing. The session need not be committed then.
    ///
    /// A secret that comes of age meanwhile is left to the next request.
    pub fn settled(&self) -> Option<Outgoing> {
        let is_due = self.live.as_ref().is_some_and(|live| live.due != Due::Nothing);
        let is_settled = !is_due && !self.is_changed();
        is_settled.then(|| Outgoing { cookie: self.cookie(), saved: Ok(()) })
    }

    async fn save(&mut self) -> Result<(), CommitError> {
        let Some(wanted) = self.wanted.as_ref().filter(|wanted| **wanted != self.seen) else { return Ok(()) };
        let Some(live) = &mut self.live else { return self.save_anonymous().await };
        for _ in 0..Engine::TRIES {
            let record = &mut live.record;
            let merged = merge(&self.seen, wanted, &record.data, &self.set).map_err(|error| match error {
                MergeError::Slot(slot) => CommitError::Conflict { slot },
                MergeError::Blob(error) => CommitError::Full(error),
            })?;
            if merged == record.data {
                return Ok(());
            }
            match self.engine.store.update(&record.id, record.version, &merged).await? {
                Updated::Updated => {
                    record.version = record.version.next();
                    record.data = merged;
                    return Ok(());
                }
                Updated::Conflict => *live = self.engine.reload(live).await?.ok_or(CommitError::Ended)?,
                Updated::Gone => return Err(CommitError::Ended),
            }
        }
        Err(CommitError::Contended)
    }

    /// The first data of a visitor.
    async fn save_anonymous(&mut self) -> Result<(), CommitError> {
        // A session of its own would take the place of a newer one, or of the one that is challenged, in the browser.
        if self.lost {
            return Err(CommitError::Ended);
        }
        if let Some(challenge) = self.challenge() {
            return Err(CommitError::Challenged(challenge));
        }
        if let Some(damage) = self.damage() {
            return Err(CommitError::Unavailable(damage));
        }
        let (_, absolute) = self.engine.policy.anonymous();
        let beginning = Beginning { absolute, data: self.data().clone(), ..Beginning::default() };
        match self.engine.create(beginning).await? {
            New::Stored { live, secret, .. } => {
                self.adopt(live, secret);
                Ok(())
            }
            // Nobody has no limit and no epoch.
            New::LimitReached | New::Outdated => Err(CommitError::Ended),
        }
    }

    /// Gives the browser another secret if that is due. As late as possible: the sooner the answer follows,
    /// the fewer requests find that theirs is the old one.
    async fn renew(&mut self) {
        for _ in 0..Engine::TRIES {
            let Some(live) = &mut self.live else { return };
            let now = self.engine.clock.now();
            let due = self.engine.due(&live.record, live.record.present(&live.hash, now), now);
            let next = match due {
                Due::Nothing => return,
                Due::Rotation => SecretState::rotated,
                Due::Reissue => SecretState::reissued,
            };
            let Ok(secret) = SessionSecret::generate(&self.engine.entropy) else { return };
            let next = next(&live.record.secret, secret.hash(), now);
            match self.engine.store.rotate(&live.record.id, live.record.version, &next).await {
                Ok(Rotated::Rotated) => {
                    if due == Due::Reissue {
                        let session = live.record.id;
                        self.engine.audit.record(now, &AuditEvent::SessionReissued { session });
                    }
                    live.hash = next.current;
                    live.record.secret = next;
                    self.issued = Some(secret);
                    return;
                }
                // Whoever was faster may have replaced it, and then its cookie is the one that counts.
                Ok(Rotated::Conflict) => match self.engine.reload(live).await {
                    Ok(Some(fresh)) => *live = fresh,
                    Ok(None) | Err(_) => return,
                },
                // Gone: the browser may hold a newer session's cookie by now, so nothing is sent. Failed:
                // nothing was promised; the old secret works, and an answer that was lost is made good.
                Ok(Rotated::Gone) | Err(_) => return,
            }
        }
    }

    fn cookie(&self) -> Option<SetCookie> {
        let policy = self.engine.policy.cookie();
        match (&self.live, &self.issued) {
            (Some(live), Some(secret)) => {
                let record = &live.record;
                let mut value = String::with_capacity(crate::SessionCookie::TEXT_LEN);
                let secret = secret.expose();
                for part in [record.id.to_string().as_str(), ".", secret.as_str()] {
                    value.push_str(part);
                }
                let value = auth_core::Secret::from(value);
                let left = record.absolute_until.since(self.engine.clock.now());
                let kept = record.terms.as_ref().is_some_and(|terms| terms.persistent);
                Some(policy.set(value.expose_str().unwrap_or_default(), left, kept))
            }
            (None, _) if self.clears => Some(policy.clear()),
            _ => None,
        }
    }
}

//! A new session takes the place of the one that a request came with, and loses nothing that was saved there.
//!
//! Other requests of the same browser write to the old session meanwhile, and are told that it is saved. The order,
//! each step one call of the store:
//!
//! 1. The new session is stored, with the data as the request was shown it.
//! 2. The old one is fenced: its secret is replaced, if its version is what it was, by one that nobody has. Whoever
//!    wrote to it before makes this fail: then the row is read again, what is new goes into the new session, and the old
//!    one is fenced as it is then. Whoever writes later finds another version, and that their secret opens nothing.
//! 3. The old one is removed. Nothing depends on it any more: if this fails, a row that nobody can open stays until its
//!    deadline.
//!
//! A process that dies before the second step is done has changed nothing for the browser; behind it, the old secret is
//! dead. Where no data goes along, nothing that is saved meanwhile outlives the old session anyway, and there is no
//! second step. Under a [limit](crate::SessionPolicy::with_limit), the old session of the same principal must not
//! count: it is fenced and removed first.

use auth_core::{
    AuditEvent, Rotated, SecretState, SessionBlob, SessionSecret, StoreError, Unavailable, Updated, Version,
    Written,
};

use crate::{
    data::{MergeSlot, merge},
    session::start::StartError,
    sessions::{Engine, Live},
};

/// So many requests write to the session that the login over it did not get its turn.
#[derive(Debug, thiserror::Error)]
#[error("too many requests write to the session at once")]
struct Contended;

/// What a request makes of the data of its session.
pub(super) struct Changes {
    /// The data as the request was shown it.
    pub(super) seen: SessionBlob,
    /// As it wants it.
    pub(super) wanted: SessionBlob,
    /// How the slots that it set go together with what others set.
    pub(super) set: Vec<MergeSlot>,
}

/// What goes along into the new session.
pub(super) struct Handover {
    pub(super) data: SessionBlob,
    /// Whether what the request itself changed is not in it, and is left to its commit, which says why it is not saved.
    pub(super) is_left: bool,
}

impl Handover {
    /// As over somebody else's session.
    pub(super) fn nothing() -> Self {
        Self { data: SessionBlob::empty(), is_left: false }
    }
}

impl Changes {
    /// What was saved by now, with what the request changed if that goes together.
    pub(super) fn onto(&self, saved: &SessionBlob) -> Handover {
        match merge(&self.seen, &self.wanted, saved, &self.set) {
            Ok(data) => Handover { data, is_left: false },
            Err(_) => Handover { data: saved.clone(), is_left: true },
        }
    }

    /// Nothing that was saved: another login may have taken that along.
    fn onto_nothing(&self) -> Handover {
        Handover { data: SessionBlob::empty(), is_left: self.wanted != self.seen }
    }
}

/// A session that opens for nobody any more.
struct Fenced {
    handover: Handover,
    /// What it was opened with.
    secret: SecretState,
    version: Version,
}

impl Engine {
    /// Puts a session that is stored already in the place of `before`, with what was saved there. If this fails, `new`
    /// must go: its secret has reached nobody. Answers whether the request's own changes are left to its commit.
    pub(super) async fn supersede(
        &self,
        before: &Live,
        changes: &Changes,
        new: &mut Live,
    ) -> Result<bool, StartError> {
        let id = &before.record.id;
        let Some(fenced) = self.fence(before, changes, Some(new)).await? else {
            // It ended meanwhile, or has a secret by now that this request does not know.
            self.end(id, "login", self.clock.now()).await?;
            let handover = changes.onto_nothing();
            self.put(new, handover.data).await?;
            return Ok(handover.is_left);
        };
        if self.store.remove(id).await.unwrap_or(true) {
            let ended = AuditEvent::SessionEnded { session: *id, why: "login" };
            self.audit.record(self.clock.now(), &ended);
        }
        Ok(fenced.handover.is_left)
    }

    /// Ends `before` for one that is not stored yet. Answers what goes along into that.
    pub(super) async fn end_for_next(
        &self,
        before: &Live,
        changes: &Changes,
    ) -> Result<Handover, StartError> {
        let id = &before.record.id;
        let fenced = self.fence(before, changes, None).await?;
        let ended = self.end(id, "login", self.clock.now()).await;
        if let (Some(fenced), Err(error)) = (&fenced, &ended)
            && error.written() == Written::No
        {
            // Nobody is logged in anew, so who was stays. If it fails too, they log in again.
            let _ = self.store.rotate(id, fenced.version, &fenced.secret).await;
        }
        ended?;
        Ok(fenced.map_or_else(|| changes.onto_nothing(), |fenced| fenced.handover))
    }

    /// Takes the secret of a session from whoever has it. `None` if it ended meanwhile, or if its secret was replaced by
    /// one that this request does not know. What others save meanwhile is put into `new` before it is tried again.
    async fn fence(
        &self,
        before: &Live,
        changes: &Changes,
        mut new: Option<&mut Live>,
    ) -> Result<Option<Fenced>, StartError> {
        let mut handover = changes.onto(&before.record.data);
        let mut reloaded: Option<Box<Live>> = None;
        for _ in 0..Self::TRIES {
            let live = reloaded.as_deref().unwrap_or(before);
            let (secret, version) = (live.record.secret.clone(), live.record.version);
            let nobodys = SessionSecret::generate(&self.entropy).map_err(Unavailable::from)?.hash();
            let next = secret.replaced(nobodys, self.clock.now());
            match self.store.rotate(&live.record.id, version, &next).await? {
                Rotated::Rotated => return Ok(Some(Fenced { handover, secret, version: version.next() })),
                Rotated::Gone => return Ok(None),
                Rotated::Conflict => {}
            }
            let Some(found) = self.reload(live).await? else { return Ok(None) };
            handover = changes.onto(&found.record.data);
            if let Some(new) = &mut new {
                self.put(new, handover.data.clone()).await?;
            }
            reloaded = Some(found);
        }
        Err(StoreError::not_written(Contended).into())
    }

    /// Replaces the data of a new session.
    async fn put(&self, new: &mut Live, data: SessionBlob) -> Result<(), StartError> {
        let record = &mut new.record;
        if record.data == data {
            return Ok(());
        }
        match self.store.update(&record.id, record.version, &data).await? {
            Updated::Updated => {
                record.version = record.version.next();
                record.data = data;
                Ok(())
            }
            // Nobody else knows the session: only ending everything of the principal can have touched it.
            Updated::Conflict | Updated::Gone => Err(StartError::Outdated),
        }
    }
}

//! The revocations that this process knows of.

use std::{
    fmt,
    ops::RangeInclusive,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use auth_core::{StoreError, UnixTime};

use super::table::{Full, Place, Prefix, Table};
use crate::{
    Claims, Revocation, RevocationKind, RevocationRecord, RevocationStatus, RevocationStore, Revocations,
    TokenPolicy,
};

/// A list of revocations that cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RevocationListError {
    /// Room for no revocation, or for more than a process should hold.
    #[error("capacity is not between {min} and {max}")]
    Capacity {
        /// The least.
        min: usize,
        /// The most.
        max: usize,
    },
    /// A longest lifetime that no token has, or that amounts to forever.
    #[error("longest lifetime is not between {} and {} seconds", min.as_secs(), max.as_secs())]
    Lifetime {
        /// The least.
        min: Duration,
        /// The most.
        max: Duration,
    },
}

/// The revocations that this process knows of: of tokens, of sessions, and of all that a subject had before some
/// moment. Cheap to clone; clones are the same list.
///
/// It fails closed. Until [`load`](Self::load) has read the store from end to end, no token is accepted: the
/// answer is [`VerifyError::RevocationsUnavailable`](crate::VerifyError::RevocationsUnavailable), which is a 503. It
/// is bounded: all its memory is taken when it is made, 24 bytes for each revocation that it has room for (24 MB
/// for a million), and when it is full it says so and forgets nothing. A revocation is kept until the last token
/// that it refuses has expired, by the longest lifetime that is given here; to make that true, tokens are refused
/// ([`VerifyError::Unrevocable`](crate::VerifyError::Unrevocable)) that
///
/// - have no `iat`, or whose `exp` is further from it than the longest lifetime,
/// - have neither `jti` nor `sid` nor `sub`, so that nothing could revoke them.
///
/// Readers take no lock and wait for nobody. Names are kept as 64 bits of a keyed hash, in a place that another
/// keyed hash chooses, both with keys of this process: one question in 2^59 finds another's revocation and
/// refuses a good token; none accepts a revoked one.
///
/// Nothing here sleeps, spawns or gives up waiting: limit the time of [`load`](Self::load) and
/// [`revoke`](Self::revoke) where they are called, and load again when it failed. Other processes learn of a
/// revocation when they load.
///
/// ```
/// use std::{sync::Arc, time::Duration};
/// use auth_core::{StoreError, UnixTime};
/// use auth_jwt::{Claims, Revocation, RevocationList, RevocationListError, RevocationStore, Verifier};
///
/// fn list(store: Arc<dyn RevocationStore>) -> Result<RevocationList, RevocationListError> {
///     RevocationList::new(store, Duration::from_secs(15 * 60), 100_000)
/// }
///
/// async fn start(list: &RevocationList, verifier: Verifier, now: UnixTime) -> Result<Verifier, StoreError> {
///     list.load(now).await?;
///     Ok(verifier.with_revocations(Arc::new(list.clone())))
/// }
///
/// async fn log_out(list: &RevocationList, claims: &Claims, now: UnixTime) -> Result<(), StoreError> {
///     match Revocation::of_token(claims) {
///         Some(this) => list.revoke(&this, now).await,
///         None => Ok(()), // the list accepts no token without a name
///     }
/// }
/// ```
#[derive(Clone)]
pub struct RevocationList(Arc<Inner>);

struct Inner {
    store: Option<Arc<dyn RevocationStore>>,
    longest_lifetime: Duration,
    table: Table,
    loaded: AtomicBool,
    /// Goes up behind each change.
    version: AtomicU64,
    /// Which kinds were ever revoked, so that the names of others need not be hashed.
    used: [AtomicBool; RevocationKind::ALL.len()],
}

impl RevocationList {
    /// How many revocations a list may be given room for.
    pub const CAPACITY_BOUNDS: RangeInclusive<usize> = 1..=100_000_000;
    /// What may be given as the longest lifetime of a token: from a second to a year.
    pub const LIFETIME_BOUNDS: RangeInclusive<Duration> =
        Duration::from_secs(1)..=Duration::from_secs(366 * 86_400);

    /// An empty list of the revocations in `store`. It refuses every token until they are [loaded](Self::load).
    ///
    /// `longest_lifetime` is from `iat` to `exp` and must be that of the longest-lived tokens of all issuers that
    /// the list is used for. Lowering it later is always right, for tokens that live longer are refused from then
    /// on. Raising it makes the tokens revocable that live longer, but none that has been forgotten already, so
    /// raise it here before the issuer does.
    ///
    /// # Errors
    /// [`RevocationListError`].
    pub fn new(
        store: Arc<dyn RevocationStore>,
        longest_lifetime: Duration,
        capacity: usize,
    ) -> Result<Self, RevocationListError> {
        Self::of(Some(store), longest_lifetime, capacity)
    }

    pub(crate) fn of(
        store: Option<Arc<dyn RevocationStore>>,
        longest_lifetime: Duration,
        capacity: usize,
    ) -> Result<Self, RevocationListError> {
        if !Self::CAPACITY_BOUNDS.contains(&capacity) {
            let (min, max) = Self::CAPACITY_BOUNDS.into_inner();
            return Err(RevocationListError::Capacity { min, max });
        }
        if !Self::LIFETIME_BOUNDS.contains(&longest_lifetime) {
            let (min, max) = Self::LIFETIME_BOUNDS.into_inner();
            return Err(RevocationListError::Lifetime { min, max });
        }
        Ok(Self(Arc::new(Inner {
            loaded: AtomicBool::new(store.is_none()),
            store,
            version: AtomicU64::new(0),
            longest_lifetime,
            table: Table::new(capacity),
            used: Default::default(),
        })))
    }

    /// Reads all revocations from the store. The first time that this succeeds, the list begins to accept tokens.
    ///
    /// May be called again at any time: it adds what other processes have revoked. Once loaded, a list stays so
    /// when that fails, with what it knows.
    ///
    /// # Errors
    /// [`StoreError`] of the store; [`StoreError::Full`] if it holds more than there is room for. A list that was
    /// not loaded is still not.
    pub async fn load(&self, now: UnixTime) -> Result<(), StoreError> {
        let Some(store) = &self.0.store else { return Ok(()) };
        // The store may not pass on what it is answered.
        let mut is_full = false;
        let mut each = |record: RevocationRecord| {
            let ends_at = match record.revocation.kind() {
                RevocationKind::Subject => self.end_of(&record.revocation, now),
                RevocationKind::Token | RevocationKind::Session => {
                    Some(record.ends_at).filter(|ends_at| *ends_at > now)
                }
            };
            let Some(ends_at) = ends_at else { return Ok(()) };
            let remembered = self.remember(&record.revocation, ends_at, now);
            is_full |= remembered.is_err();
            remembered.map_err(|Full| StoreError::full())
        };
        store.load(now, &mut each).await?;
        if is_full {
            return Err(StoreError::full());
        }
        self.0.loaded.store(true, Ordering::Release);
        Ok(())
    }

    /// Whether the list has been [loaded](Self::load), so that it accepts tokens.
    #[must_use]
    pub fn is_loaded(&self) -> bool {
        self.0.loaded.load(Ordering::Acquire)
    }

    /// Refuses, from now on, what `revocation` names. May be called before the list is loaded.
    ///
    /// It counts in this process before it is written, and at once: a store that fails and a future that is
    /// dropped leave nothing accepted that was to be refused, and no revocation is in the store that this process
    /// has no room for. Revoking again what is revoked is no error; the later date counts.
    ///
    /// # Errors
    /// [`StoreError::Full`] if there is no room in the list: nothing was revoked. Any error of the store: it is
    /// revoked here, but not for other processes and not beyond a restart. Call again.
    pub async fn revoke(&self, revocation: &Revocation, now: UnixTime) -> Result<(), StoreError> {
        // `None`, if every token that it could refuse has expired.
        let Some(ends_at) = self.end_of(revocation, now) else { return Ok(()) };
        self.remember(revocation, ends_at, now).map_err(|Full| StoreError::full())?;
        let Some(store) = &self.0.store else { return Ok(()) };
        store.put(&RevocationRecord { revocation: revocation.clone(), ends_at }, now).await
    }

    /// How many revocations it holds, those included that have ended and whose room was not needed since.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.table.len()
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many it has room for.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.0.table.capacity()
    }

    /// When the last token will have expired that it refuses, for every policy there can be: a verifier's leeway
    /// is added to `exp`, and one leeway more where the issuer's clock counts. `None` if that is past.
    fn end_of(&self, revocation: &Revocation, now: UnixTime) -> Option<UnixTime> {
        let end = match (revocation.kind(), revocation.date()) {
            (RevocationKind::Subject, date) => self.end_of_subject(date.unwrap_or(now)),
            (RevocationKind::Token, Some(expires_at)) => expires_at.saturating_add(TokenPolicy::MAX_LEEWAY),
            _ => now
                .saturating_add(self.0.longest_lifetime)
                .saturating_add(TokenPolicy::MAX_LEEWAY)
                .saturating_add(TokenPolicy::MAX_LEEWAY),
        };
        (end > now).then_some(end)
    }

    fn end_of_subject(&self, issued_until: UnixTime) -> UnixTime {
        issued_until.saturating_add(self.0.longest_lifetime).saturating_add(TokenPolicy::MAX_LEEWAY)
    }

    /// The table keeps no dates but ends, so this turns one back into the other.
    fn issued_until(&self, end_of_subject: UnixTime) -> UnixTime {
        end_of_subject.saturating_sub(TokenPolicy::MAX_LEEWAY).saturating_sub(self.0.longest_lifetime)
    }

    fn remember(&self, revocation: &Revocation, ends_at: UnixTime, now: UnixTime) -> Result<(), Full> {
        let (kind, inner) = (revocation.kind(), &self.0);
        let place = inner.place(&inner.table.prefix(revocation.issuer().as_str()), kind, revocation.name());
        inner.table.insert(place, ends_at, now)?;
        if let Some(used) = inner.used.get(kind as usize) {
            used.store(true, Ordering::Release);
        }
        // Also for what was there: another thread may have put it there and not have come to this line.
        inner.version.fetch_add(1, Ordering::AcqRel);
        Ok(())
    }

    /// Until when a name is remembered, if it is.
    fn find(&self, prefix: &Prefix, kind: RevocationKind, name: Option<&str>) -> Option<UnixTime> {
        let name = name.filter(|_| self.0.is_used(kind))?;
        self.0.table.find(self.0.place(prefix, kind, name))
    }
}

impl Inner {
    fn is_used(&self, kind: RevocationKind) -> bool {
        self.used.get(kind as usize).is_some_and(|used| used.load(Ordering::Acquire))
    }

    fn place(&self, prefix: &Prefix, kind: RevocationKind, name: &str) -> Place {
        self.table.place(prefix, kind as u8, name)
    }
}

impl Revocations for RevocationList {
    fn status(&self, claims: &Claims) -> RevocationStatus {
        if !self.is_loaded() {
            return RevocationStatus::Unavailable;
        }
        let issued_at = claims.issued_at();
        if RevocationKind::ALL.into_iter().any(|kind| self.0.is_used(kind)) {
            let issuer = self.0.table.prefix(claims.issuer());
            let find = |kind, name| self.find(&issuer, kind, name);
            let subject = find(RevocationKind::Subject, claims.subject()).map(|end| self.issued_until(end));
            if find(RevocationKind::Token, claims.token_id()).is_some()
                || find(RevocationKind::Session, claims.session_id()).is_some()
                // Without a date it may be from before.
                || subject.is_some_and(|until| issued_at.is_none_or(|issued_at| issued_at <= until))
            {
                return RevocationStatus::Revoked;
            }
        }
        let names = [claims.token_id(), claims.session_id(), claims.subject()];
        match issued_at {
            Some(issued_at)
                if claims.expires_at().since(issued_at) <= self.0.longest_lifetime
                    && names.iter().any(Option::is_some) =>
            {
                RevocationStatus::NotRevoked
            }
            _ => RevocationStatus::Unrevocable,
        }
    }

    fn version(&self) -> Option<u64> {
        Some(self.0.version.load(Ordering::Acquire))
    }
}

impl fmt::Debug for RevocationList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RevocationList")
            .field("loaded", &self.is_loaded())
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .field("longest_lifetime", &self.0.longest_lifetime)
            .finish_non_exhaustive()
    }
}

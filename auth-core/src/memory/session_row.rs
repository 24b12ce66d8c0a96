//! A session in as few bytes as it takes.

use std::sync::Arc;

use super::{expiring::Entry, id_hash::IdHash, slab::Slot};
use crate::{
    Assurance, AuthEpoch, Authentication, Limits, Method, PrincipalId, SecretHash, SecretState, SessionBlob,
    SessionId, SessionKind, SessionRecord, SessionSummary, SessionTerms, UnixTime, Version,
};

/// What a shard keeps of a [`SessionRecord`], with its place in a chain of rows.
#[derive(Debug)]
pub(super) struct SessionRow {
    body: Body,
    /// The neighbours in the chain of the principal's rows, or of those of nobody.
    pub(super) before: Option<Slot>,
    pub(super) after: Option<Slot>,
}

#[derive(Debug)]
enum Body {
    Narrow(Narrow),
    /// What does not fit into a narrow one, such as a login with limits. Nothing is ever lost or rounded.
    Wide(Box<SessionRecord>),
}

/// A session whose moments are before 2106, whose counters are small, and whose login is a plain one: nearly
/// every session, in half the space. The [`Authentication`] alone, which is made anew when it is loaded, would
/// take more than all of this.
#[derive(Debug)]
struct Narrow {
    id: SessionId,
    /// If there is none, nobody is logged in, and the other parts of the login mean nothing.
    principal: Option<PrincipalId>,
    login_at: Moment,
    epoch: u32,
    methods: Methods,
    assurance: Assurance,
    current: SecretHash,
    /// Means nothing unless `has_previous`.
    previous: SecretHash,
    has_previous: bool,
    rotated_at: Moment,
    seen: bool,
    generation: u32,
    reissued: u32,
    kind: SessionKind,
    version: u32,
    created_at: Moment,
    last_used_at: Moment,
    idle_until: Moment,
    absolute_until: Moment,
    terms: Option<Arc<SessionTerms>>,
    data: SessionBlob,
}

/// A moment before 2106, or [`UnixTime::MAX`], which is `u32::MAX`.
#[derive(Debug, Clone, Copy)]
struct Moment(u32);

/// Up to eight methods in their order, four bits each, the first one lowest.
#[derive(Debug, Clone, Copy)]
struct Methods(u32);

impl SessionRow {
    pub(super) fn of(record: &SessionRecord) -> Self {
        let body = Narrow::of(record).map_or_else(|| Body::Wide(Box::new(record.clone())), Body::Narrow);
        Self { body, before: None, after: None }
    }

    #[inline]
    pub(super) fn record(&self) -> SessionRecord {
        match &self.body {
            Body::Narrow(narrow) => narrow.record(),
            Body::Wide(record) => (**record).clone(),
        }
    }

    /// Changes anything but the id and whose it is.
    pub(super) fn change(&mut self, change: impl FnOnce(&mut SessionRecord)) {
        let mut record = self.record();
        change(&mut record);
        self.body = Self::of(&record).body;
    }

    pub(super) fn summary(&self) -> SessionSummary {
        self.record().summary()
    }

    pub(super) const fn id(&self) -> &SessionId {
        match &self.body {
            Body::Narrow(narrow) => &narrow.id,
            Body::Wide(record) => &record.id,
        }
    }

    pub(super) fn principal(&self) -> Option<&PrincipalId> {
        match &self.body {
            Body::Narrow(narrow) => narrow.principal.as_ref(),
            Body::Wide(record) => record.principal(),
        }
    }

    pub(super) fn has_actor(&self) -> bool {
        match &self.body {
            Body::Narrow(_) => false,
            Body::Wide(record) => record.has_actor(),
        }
    }

    pub(super) fn epoch(&self) -> AuthEpoch {
        match &self.body {
            Body::Narrow(narrow) => AuthEpoch::new(u64::from(narrow.epoch)),
            Body::Wide(record) => record.epoch(),
        }
    }

    pub(super) fn version(&self) -> Version {
        match &self.body {
            Body::Narrow(narrow) => Version::new(u64::from(narrow.version)),
            Body::Wide(record) => record.version,
        }
    }

    pub(super) fn created_at(&self) -> UnixTime {
        match &self.body {
            Body::Narrow(narrow) => narrow.created_at.get(),
            Body::Wide(record) => record.created_at,
        }
    }

    #[inline]
    pub(super) fn is_live(&self, now: UnixTime) -> bool {
        now < self.ends_at()
    }
}

impl Entry for SessionRow {
    type Key = SessionId;
    type Hashing = IdHash;

    fn key(&self) -> &SessionId {
        self.id()
    }

    fn ends_at(&self) -> UnixTime {
        match &self.body {
            Body::Narrow(narrow) => narrow.idle_until.get().min(narrow.absolute_until.get()),
            Body::Wide(record) => record.ends_at(),
        }
    }
}

impl Narrow {
    /// `None` if the record does not fit exactly.
    fn of(record: &SessionRecord) -> Option<Self> {
        // Named one by one, here and below, so that a new field cannot be forgotten.
        let SessionRecord {
            id,
            kind,
            authentication,
            terms,
            secret: SecretState { current, previous, rotated_at, seen, generation, reissued },
            version,
            created_at,
            last_used_at,
            idle_until,
            absolute_until,
            data,
        } = record;
        let (principal, login_at, epoch, methods, assurance) = match authentication.as_deref() {
            None => (None, UnixTime::EPOCH, AuthEpoch::ZERO, Methods(0), Assurance::Aal1),
            Some(Authentication { principal, methods, at, assurance, epoch, actor: None, limits })
                if *limits == Limits::unlimited() =>
            {
                (Some(principal.clone()), *at, *epoch, Methods::of(methods)?, *assurance)
            }
            Some(_) => return None,
        };
        Some(Self {
            id: *id,
            principal,
            login_at: Moment::of(login_at)?,
            epoch: u32::try_from(epoch.get()).ok()?,
            methods,
            assurance,
            current: *current,
            previous: previous.unwrap_or(*current),
            has_previous: previous.is_some(),
            rotated_at: Moment::of(*rotated_at)?,
            seen: *seen,
            generation: u32::try_from(*generation).ok()?,
            reissued: *reissued,
            kind: *kind,
            version: u32::try_from(version.get()).ok()?,
            created_at: Moment::of(*created_at)?,
            last_used_at: Moment::of(*last_used_at)?,
            idle_until: Moment::of(*idle_until)?,
            absolute_until: Moment::of(*absolute_until)?,
            terms: terms.clone(),
            data: data.clone(),
        })
    }

    #[inline]
    fn record(&self) -> SessionRecord {
        SessionRecord {
            id: self.id,
            kind: self.kind,
            authentication: self.authentication().map(Arc::new),
            terms: self.terms.clone(),
            secret: SecretState {
                current: self.current,
                previous: self.has_previous.then_some(self.previous),
                rotated_at: self.rotated_at.get(),
                seen: self.seen,
                generation: u64::from(self.generation),
                reissued: self.reissued,
            },
            version: Version::new(u64::from(self.version)),
            created_at: self.created_at.get(),
            last_used_at: self.last_used_at.get(),
            idle_until: self.idle_until.get(),
            absolute_until: self.absolute_until.get(),
            data: self.data.clone(),
        }
    }

    fn authentication(&self) -> Option<Authentication> {
        Some(Authentication {
            principal: self.principal.clone()?,
            methods: self.methods.to_vec(),
            at: self.login_at.get(),
            assurance: self.assurance,
            epoch: AuthEpoch::new(u64::from(self.epoch)),
            actor: None,
            limits: Limits::unlimited(),
        })
    }
}

impl Moment {
    fn of(time: UnixTime) -> Option<Self> {
        if time == UnixTime::MAX {
            return Some(Self(u32::MAX));
        }
        u32::try_from(time.as_secs()).ok().filter(|secs| *secs < u32::MAX).map(Self)
    }

    const fn get(self) -> UnixTime {
        if self.0 == u32::MAX { UnixTime::MAX } else { UnixTime::from_secs(self.0 as u64) }
    }
}

/// The methods that have a number: their place here, counted from one.
const NUMBERED: [Method; 5] = [
    Method::PASSWORD,
    Method::ONE_TIME_CODE,
    Method::HARDWARE_KEY,
    Method::SOFTWARE_KEY,
    Method::MULTI_FACTOR,
];

impl Methods {
    /// `None` if there are too many, or one has no number.
    fn of(methods: &[Method]) -> Option<Self> {
        if methods.len() > Authentication::MAX_METHODS {
            return None;
        }
        let packed = methods.iter().rev().try_fold(0_u32, |packed, method| {
            let number = (1_u32..).zip(&NUMBERED).find(|(_, numbered)| *numbered == method)?.0;
            Some(packed << 4 | number)
        })?;
        Some(Self(packed))
    }

    fn to_vec(self) -> Vec<Method> {
        let mut rest = self.0;
        let len = (u32::BITS / 4).saturating_sub(rest.leading_zeros() / 4);
        let mut methods = Vec::with_capacity(len as usize);
        while let Some(before) = (rest & 15).checked_sub(1) {
            methods.extend(NUMBERED.get(before as usize).cloned());
            rest >>= 4;
        }
        methods
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::memory::sample::{NOW, ann, session};

    fn round_trip(methods: &[Method]) -> Option<Vec<Method>> {
        Methods::of(methods).map(Methods::to_vec)
    }

    /// The order of the methods is the order of the steps.
    #[test]
    fn methods_keep_their_order() {
        let [pwd, otp, ..] = NUMBERED;
        for methods in [
            vec![],
            vec![pwd.clone()],
            vec![pwd.clone(), otp.clone()],
            vec![otp.clone(), pwd.clone()],
            vec![Method::MULTI_FACTOR; 8],
            NUMBERED.to_vec(),
        ] {
            let back = round_trip(&methods).unwrap();
            assert_eq!(back, methods);
            assert_eq!(back.capacity(), methods.len(), "a vector that grew was allocated twice");
        }
        assert_eq!(round_trip(&vec![pwd.clone(); 9]), None);
        assert_eq!(round_trip(&[pwd, Method::from_static("face")]), None);
    }

    #[test]
    fn an_ordinary_session_is_narrow() {
        let record = session(&ann(), 1);
        assert!(matches!(SessionRow::of(&record).body, Body::Narrow(_)));
        let nobody = SessionRecord { authentication: None, ..record };
        assert!(matches!(SessionRow::of(&nobody).body, Body::Narrow(_)));
    }

    /// Every byte here is paid for by each session: look at `tests/memory_footprint.rs` before it grows.
    #[test]
    fn a_row_is_as_small_as_it_was() {
        assert_eq!(size_of::<SessionRow>(), 176);
    }

    fn number() -> impl Strategy<Value = u64> {
        let border = u64::from(u32::MAX);
        prop_oneof![0_u64..10, border - 2..border + 3, Just(u64::MAX - 1), Just(u64::MAX)]
    }

    proptest! {
        /// A deadline that was rounded, or a limit that was dropped, would open what was closed.
        #[test]
        fn a_record_comes_back_as_it_was(
            numbers in proptest::array::uniform9(number()),
            (reissued, kind, logged_in, limited, has_previous) in any::<(u32, bool, bool, bool, bool)>(),
            methods in proptest::collection::vec(0_usize..6, 0..10),
        ) {
            let [at, epoch, rotated, generation, version, created, used, idle, absolute] = numbers;
            let mut login = Authentication::new(
                ann().principal().clone(), Method::PASSWORD, UnixTime::from_secs(at), AuthEpoch::new(epoch),
            );
            login.methods = methods
                .into_iter()
                .map(|n| NUMBERED.get(n).cloned().unwrap_or(Method::from_static("face")))
                .collect();
            if limited {
                login.limits.tenant = Some(crate::Realm::LOCAL);
            }
            let hash = SecretHash::of(b"current");
            let record = SessionRecord {
                kind: if kind { SessionKind::Cookie } else { SessionKind::Refresh },
                authentication: logged_in.then(|| Arc::new(login)),
                secret: SecretState {
                    current: hash,
                    previous: has_previous.then(|| SecretHash::of(b"previous")),
                    rotated_at: UnixTime::from_secs(rotated),
                    seen: kind,
                    generation,
                    reissued,
                },
                version: Version::new(version),
                created_at: UnixTime::from_secs(created),
                last_used_at: UnixTime::from_secs(used),
                idle_until: UnixTime::from_secs(idle),
                absolute_until: UnixTime::from_secs(absolute),
                ..session(&ann(), 1)
            };
            let mut row = SessionRow::of(&record);
            prop_assert_eq!(row.record(), record.clone());
            prop_assert_eq!(row.summary(), record.summary());
            prop_assert_eq!((row.id(), row.principal()), (&record.id, record.principal()));
            prop_assert_eq!((row.epoch(), row.version()), (record.epoch(), record.version));
            prop_assert_eq!((row.created_at(), row.ends_at()), (record.created_at, record.ends_at()));
            prop_assert_eq!(row.is_live(NOW), record.is_live(NOW));
            row.change(|record| record.version = record.version.next());
            prop_assert_eq!(row.record().version, record.version.next());
        }
    }
}

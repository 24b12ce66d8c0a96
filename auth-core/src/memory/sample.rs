//! What the tests of stores and sessions use.

use std::{sync::Arc, time::Duration};

use crate::{
    AuthEpoch, Authentication, KeyName, KeyRing, Method, PrincipalId, Secret, SecretHash, SecretState,
    SessionBlob, SessionId, SessionKind, SessionOwner, SessionRecord, SystemEntropy, UnixTime, Version,
};

pub(crate) const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);

pub(crate) fn after(secs: u64) -> UnixTime {
    NOW.saturating_add(Duration::from_secs(secs))
}

pub(crate) fn keys() -> KeyRing {
    KeyRing::new(KeyName::from_static("a"), Secret::new((1..).take(32).collect())).unwrap()
}

pub(crate) fn owner(id: &str) -> SessionOwner {
    SessionOwner::new(PrincipalId::local_user(id).unwrap(), &keys())
}

pub(crate) fn ann() -> SessionOwner {
    owner("ann")
}

/// A session that began `begun` seconds after [`NOW`] and ends an hour later.
pub(crate) fn session(owner: &SessionOwner, begun: u64) -> SessionRecord {
    let principal = owner.principal().clone();
    let login = Authentication::new(principal, Method::PASSWORD, after(begun), AuthEpoch::ZERO);
    SessionRecord {
        id: SessionId::for_owner(owner, &SystemEntropy).unwrap(),
        authentication: Some(Arc::new(login)),
        terms: None,
        ..anonymous(begun)
    }
}

/// The same of nobody.
pub(crate) fn anonymous(begun: u64) -> SessionRecord {
    SessionRecord {
        id: SessionId::anonymous(&SystemEntropy).unwrap(),
        kind: SessionKind::Cookie,
        authentication: None,
        terms: None,
        secret: SecretState::first(SecretHash::of(b"a"), after(begun)),
        version: Version::FIRST,
        created_at: after(begun),
        last_used_at: after(begun),
        idle_until: after(begun.saturating_add(3_600)),
        absolute_until: after(begun.saturating_add(86_400)),
        data: SessionBlob::empty(),
    }
}

//! A token that was seen before, through the cache.

use std::{hint::black_box, sync::Arc, time::Duration};

use auth_core::{Clock, SystemClock, testing::block_on};
use auth_jwt::{CacheCapacity, CachedVerifier, Issuer, Revocation, Verifier, danger::revoke_until_restart};

use crate::{
    fixture::{HEADER, ISSUER, Owned, PAYLOAD, Row, token},
    ours::verifier,
};

/// Read as owned claims: as it is, and with a million revocations of each kind.
pub(crate) fn rows() -> Vec<Row> {
    vec![
        hit("cached/ours", verifier()),
        hit("cached-revocations/ours", verifier().with_revocations(Arc::new(revocations()))),
    ]
}

fn hit(name: &str, verifier: Verifier) -> Row {
    let now = SystemClock.now();
    // No list remembers a revocation for as long as the token of the other rows lives.
    let dates = [("4000000000", now.saturating_add(Duration::from_secs(900))), ("1700000000", now)];
    let payload =
        dates.iter().fold(PAYLOAD.to_owned(), |text, (date, to)| text.replace(date, &to.to_string()));
    let token = token(HEADER, &payload);
    let cached = CachedVerifier::<Owned>::new(verifier, CacheCapacity::default());
    Row::new(name, move || {
        let verified = cached.verify(black_box(&token), SystemClock.now()).unwrap();
        assert!(verified.own().admin);
    })
}

fn revocations() -> auth_jwt::RevocationList {
    let now = SystemClock.now();
    let list = revoke_until_restart(Duration::from_secs(900), 3_000_000).unwrap();
    let issuer = Issuer::new(ISSUER).unwrap();
    for n in 0..1_000_000 {
        let name = format!("{n:018x}");
        for revocation in [
            Revocation::token(issuer.clone(), &name, None),
            Revocation::session(issuer.clone(), &name),
            Revocation::subject(issuer.clone(), &name, now),
        ] {
            block_on(list.revoke(&revocation.unwrap(), now)).unwrap();
        }
    }
    list
}

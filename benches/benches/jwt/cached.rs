//! A token that was seen before, through the cache.

use std::{hint::black_box, sync::Arc, time::Duration};

use auth_core::{Clock, SystemClock, SystemEntropy, testing::block_on};
use auth_jwt::{
    AnySigningKey, CacheCapacity, CachedVerifier, Es384SigningKey, Es512SigningKey, Hs512Key, Issuer,
    Revocation, Verifier,
    aws_lc_rs::{self, RsaSize},
    danger::revoke_until_restart,
};

use crate::{
    asymmetric::{self, policy},
    fixture::{HEADER, ISSUER, Owned, PAYLOAD, Row, token},
    ours::verifier,
};

/// Read as owned claims: as it is, with a million revocations of each kind, and under public keys of the kinds and sizes
/// that `asymmetric` has no row for.
pub(crate) fn rows() -> Vec<Row> {
    let rsa = |size| aws_lc_rs::Rs256SigningKey::generate(size).unwrap().to_der();
    let pss = aws_lc_rs::Ps256SigningKey::from_der(&rsa(RsaSize::Bits2048)).unwrap();
    let large = aws_lc_rs::Rs512SigningKey::from_der(&rsa(RsaSize::Bits4096)).unwrap();
    vec![
        hit_of_secret("cached/ours", verifier()),
        hit_of_secret("cached-revocations/ours", verifier().with_revocations(Arc::new(revocations()))),
        hit_of("cached-hs512/ours", Hs512Key::generate(&SystemEntropy).unwrap()),
        hit_of("cached-es384/ours", Es384SigningKey::generate(&SystemEntropy).unwrap()),
        hit_of("cached-es512/ours", Es512SigningKey::generate(&SystemEntropy).unwrap()),
        hit_of("cached-ps256-aws-lc-rs/ours", pss),
        hit_of("cached-rs512-4096-aws-lc-rs/ours", large),
    ]
}

/// A hit costs what comparing the whole token costs, so more where the signature is longer.
fn hit_of(name: &str, key: impl Into<AnySigningKey>) -> Row {
    let key = key.into();
    let verifier = Verifier::new(key.verifying_key(), policy());
    hit(name, verifier, asymmetric::token(key))
}

fn hit_of_secret(name: &str, verifier: Verifier) -> Row {
    let now = SystemClock.now();
    // No list remembers a revocation for as long as the token of the other rows lives.
    let dates = [("4000000000", now.saturating_add(Duration::from_secs(900))), ("1700000000", now)];
    let payload =
        dates.iter().fold(PAYLOAD.to_owned(), |text, (date, to)| text.replace(date, &to.to_string()));
    hit(name, verifier, token(HEADER, &payload))
}

fn hit(name: &str, verifier: Verifier, token: String) -> Row {
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

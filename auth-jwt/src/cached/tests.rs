//! What can only be seen from inside: keys that change, and how much is held.

use auth_core::SystemEntropy;
use proptest::prelude::*;

use super::{capacity::CacheError, entries::WAYS, *};
use crate::{
    Audience, Claims, ClientId, Hs256Key, Issuer, TokenIssuer, TokenPolicy, registered::Registered,
    verifier::Provenance,
};

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);

/// Entries can be made of any claims here, so the key is nobody's.
fn verifier() -> Verifier {
    let issuer = Issuer::new("https://id.example").unwrap();
    Verifier::new(
        Hs256Key::generate(&SystemEntropy).unwrap(),
        TokenPolicy::access_token(issuer, crate::any_audience()),
    )
}

fn cache(entries: usize, bytes: usize) -> TokenCache<usize> {
    TokenCache::new(CacheCapacity::new(entries, bytes).unwrap())
}

fn verified(n: usize, expires_in: u64) -> Arc<Verified<usize>> {
    let claims = Claims::keep(&Registered::default(), UnixTime::from_secs(NOW.as_secs() + expires_in));
    Arc::new(Verified::assertion(claims, n))
}

fn now_of(verifier: &Verifier) -> Provenance {
    verifier.provenance("")
}

fn served(cache: &TokenCache<usize>, verifier: &Verifier, token: &str) -> Option<usize> {
    cache.get(verifier, token, NOW).map(|answer| *answer.unwrap().own())
}

/// A key that has left the set, between two requests or while a token was being verified, verifies nothing more.
#[test]
fn another_generation_is_a_miss() {
    let (cache, verifier) = (cache(8, 8_192), verifier());
    let present = now_of(&verifier);
    let other = Provenance { generation: present.generation + 1, ..present };
    cache.put(&verifier, "a.b.c", &verified(1, 60), other, NOW);
    assert_eq!(served(&cache, &verifier, "a.b.c"), None);
    cache.put(&verifier, "a.b.c", &verified(2, 60), present, NOW);
    assert_eq!(served(&cache, &verifier, "a.b.c"), Some(2));
    // An answer that comes late does not push out the present one.
    cache.put(&verifier, "a.b.c", &verified(3, 60), other, NOW);
    assert_eq!(served(&cache, &verifier, "a.b.c"), Some(2));
}

/// A key's own end comes whatever becomes of the set.
#[test]
fn an_entry_does_not_outlive_its_key() {
    let (cache, verifier) = (cache(8, 8_192), verifier());
    let key_until = UnixTime::from_secs(NOW.as_secs() + 10);
    let short = Provenance { key_until, ..now_of(&verifier) };
    cache.put(&verifier, "a.b.c", &verified(1, 60), short, NOW);
    assert!(cache.get(&verifier, "a.b.c", UnixTime::from_secs(NOW.as_secs() + 9)).unwrap().is_ok());
    assert!(cache.get(&verifier, "a.b.c", key_until).is_none());
}

/// GHSA-rp9m-7r4c-75qg (fast-jwt): keys of a cache that collide served one user's claims to another. Here every
/// token has the hash of every other, and still gets nothing but its own.
#[test]
fn a_hash_alone_serves_nothing() {
    let (cache, verifier) = (cache(8, 8_192), verifier());
    let end = "x".repeat(64);
    let tokens: Vec<_> = (0..WAYS).map(|n| format!("{n}.a.{end}")).collect();
    for (n, token) in tokens.iter().enumerate() {
        cache.put(&verifier, token, &verified(n, 60), now_of(&verifier), NOW);
    }
    assert_eq!(cache.hashes().len(), 1);
    for (n, token) in tokens.iter().enumerate() {
        assert_eq!(served(&cache, &verifier, token), Some(n));
    }
    for other in [format!("9.a.{end}"), format!("0.b.{end}"), format!("00.a.{end}"), end] {
        assert_eq!(served(&cache, &verifier, &other), None);
    }
}

/// The one that was used longest ago leaves, and before that what is of no more use.
#[test]
fn the_least_useful_entry_leaves_first() {
    let (cache, verifier) = (cache(8, 8_192), verifier());
    let put = |token: &str, n: usize, expires_in: u64, at: u64| {
        let now = UnixTime::from_secs(NOW.as_secs() + at);
        cache.put(&verifier, token, &verified(n, expires_in), now_of(&verifier), now);
    };
    for n in 0..WAYS {
        put(&n.to_string(), n, 600, n as u64);
    }
    // Serving counts as use.
    assert!(cache.get(&verifier, "0", UnixTime::from_secs(NOW.as_secs() + 20)).is_some());
    put("new", 100, 5, 20);
    assert_eq!((served(&cache, &verifier, "0"), served(&cache, &verifier, "1")), (Some(0), None));
    // "new" has expired by now, so the others stay.
    put("newer", 101, 600, 30);
    assert_eq!(served(&cache, &verifier, "new"), None);
    assert!((2..WAYS).all(|n| served(&cache, &verifier, &n.to_string()) == Some(n)));
}

/// Wiped, and not only when its place is needed.
#[test]
fn an_expired_token_is_not_kept_when_it_is_seen() {
    let (cache, verifier) = (cache(8, 8_192), verifier());
    cache.put(&verifier, "a.b.c", &verified(1, 10), now_of(&verifier), NOW);
    let late = UnixTime::from_secs(NOW.as_secs() + 40);
    assert!(cache.get(&verifier, "a.b.c", late).unwrap().unwrap_err().is_expired());
    assert_eq!(cache.held(), (0, 0));
}

proptest! {
    /// Whatever is presented, and however long it is.
    #[test]
    fn a_cache_never_holds_more_than_it_may(
        entries in 8_usize..40,
        each in 256_usize..400,
        tokens in proptest::collection::vec((0_u8..100, 1_usize..5_000), 0..100),
    ) {
        let bytes = entries * each;
        let (cache, verifier) = (cache(entries, bytes), verifier());
        for (n, (name, len)) in tokens.into_iter().enumerate() {
            let token = format!("{}{name:03}", "x".repeat(len));
            cache.put(&verifier, &token, &verified(n, 60), now_of(&verifier), NOW);
            // The newest is there, unless it is longer than all that a set may hold.
            let fits = token.len() <= bytes / (entries / WAYS);
            prop_assert_eq!(served(&cache, &verifier, &token), fits.then_some(n));
            let (held, held_bytes) = cache.held();
            prop_assert!(held <= entries && held_bytes <= bytes, "{} {}", held, held_bytes);
        }
    }

    /// Two tokens are the same if all their bytes are, whatever their length.
    #[test]
    fn bytes_are_compared_to_the_last(a in ".{0,40}", at in 0_usize..40, by in 1_u8..=255) {
        use entries::is_same;
        let a = a.into_bytes();
        prop_assert!(is_same(&a, &a.clone()));
        let mut b = a.clone();
        if let Some(byte) = b.get_mut(at) {
            *byte ^= by;
            prop_assert!(!is_same(&a, &b));
        }
        b.clone_from(&a);
        b.push(by);
        prop_assert!(!is_same(&a, &b) && !is_same(&b, &a));
    }
}

#[test]
fn a_capacity_has_bounds() {
    assert_eq!(CacheCapacity::default(), CacheCapacity::new(8_192, 8 << 20).unwrap());
    for entries in [0, 7, (16 << 20) + 1, usize::MAX] {
        assert!(matches!(CacheCapacity::new(entries, usize::MAX), Err(CacheError::Entries { min: 8, .. })));
    }
    assert_eq!(CacheCapacity::new(8, 8 * 256 - 1).unwrap_err(), CacheError::Bytes { min: 256 });
    let small = CacheCapacity::new(8, 8 * 256).unwrap();
    assert_eq!((small.entries(), small.bytes()), (8, 2_048));
}

#[test]
fn debug_shows_no_token() {
    let key = Hs256Key::generate(&SystemEntropy).unwrap();
    let (issuer, audience) = (Issuer::new("https://id.example").unwrap(), Audience::new("api").unwrap());
    let tokens =
        TokenIssuer::new(key.clone(), issuer.clone(), audience.clone(), ClientId::new("web").unwrap());
    let login = auth_core::testing::login_as(&auth_core::PrincipalId::local_user("42").unwrap(), NOW);
    let issued = tokens.for_login(&login).sign(NOW).unwrap();
    let cached = CachedVerifier::<()>::new(
        Verifier::new(key, TokenPolicy::access_token(issuer, audience)),
        CacheCapacity::default(),
    );
    let _verified = cached.verify(issued.token().expose(), NOW).unwrap();
    let shown = format!("{cached:?}");
    assert!(shown.starts_with("CachedVerifier") && !shown.contains("eyJ"), "{shown}");
}

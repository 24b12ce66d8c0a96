//! A cache of verified tokens gives the answers of its verifier, and no others.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use async_trait::async_trait;
use auth_core::{
    Assurance, AuthEpoch, AuthenticateError, Authenticated, Authenticator, Clock, EpochSource, Method,
    PrincipalId, Realm, RejectionReason, StoreError, UnixTime,
    testing::{block_on, login_at_epoch},
};
use auth_jwt::{
    AccessToken, BearerAuthenticator, CacheCapacity, CachedVerifier, Claims, ClientId, Revocation,
    RevocationStatus, Revocations, TokenIssuer, TokenPolicy, Verified, Verifier, VerifyError, any_typ,
    danger::revoke_until_restart,
};
use proptest::prelude::*;
use serde::Deserialize;

use crate::support::*;

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Own {
    n: usize,
}

fn secs(secs: u64) -> UnixTime {
    UnixTime::from_secs(NOW.as_secs() + secs)
}

/// Token `n`, with its number in a claim of its own, and with other claims that come and go.
fn numbered(n: usize) -> String {
    let extra = match n % 4 {
        0 => r#","nbf":1800000050"#,
        1 => r#","sid":"s1""#,
        2 => r#","cnf":{"jkt":"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}"#,
        _ => "",
    };
    let exp = 1_800_000_060 + 10 * (n % 5);
    let payload = payload_but("jti", &format!(r#""jti":"t{n}","n":{n}{extra}"#));
    sign(HEADER, payload.replace("1800000900", &exp.to_string()))
}

fn cached(verifier: Verifier) -> CachedVerifier<Own> {
    CachedVerifier::new(verifier, CacheCapacity::default())
}

/// What it is worth to the caller: the claims, or the error.
fn answer(of: Result<Arc<Verified<Own>>, VerifyError>) -> Result<Verified<Own>, VerifyError> {
    of.map(|verified| Verified::clone(&verified))
}

/// Whether a token comes out of the cache: the second time, it is the same allocation.
fn is_remembered(cached: &CachedVerifier<Own>, token: &str, now: UnixTime) -> bool {
    let (first, second) = (cached.verify(token, now).unwrap(), cached.verify(token, now).unwrap());
    Arc::ptr_eq(&first, &second)
}

#[test]
fn a_token_is_verified_once() {
    let cached = cached(verifier());
    assert!(is_remembered(&cached, &numbered(3), NOW));
    assert_eq!(cached.verify(&numbered(3), NOW).unwrap().own(), &Own { n: 3 });
    // A clone shares what is remembered.
    let clone = cached.clone();
    assert!(Arc::ptr_eq(
        &cached.verify(&numbered(3), NOW).unwrap(),
        &clone.verify(&numbered(3), NOW).unwrap()
    ));
}

proptest! {
    /// One proof for every sentence about time, revocation and eviction: whatever is presented, in whatever order,
    /// with a clock that goes on and back and with revocations in between, the answers are those of the bare
    /// verifier.
    #[test]
    fn a_cache_cannot_be_told_from_its_verifier(
        entries in prop_oneof![Just(8_usize), Just(16)],
        steps in proptest::collection::vec((0_usize..20, 0_u64..160, 0_u8..40), 1..150),
    ) {
        static TOKENS: OnceLock<Vec<String>> = OnceLock::new();
        let tokens = TOKENS.get_or_init(|| (0..20).map(numbered).collect());
        let list = revoke_until_restart(Duration::from_secs(900), 100).unwrap();
        let verifier = verifier().with_revocations(Arc::new(list.clone()));
        let capacity = CacheCapacity::new(entries, entries * 256).unwrap();
        let cached = CachedVerifier::<Own>::new(verifier.clone(), capacity);
        for (n, at, event) in steps {
            match event {
                0 => block_on(list.revoke(&Revocation::session(issuer(), "s1").unwrap(), NOW)).unwrap(),
                1 => {
                    let until = UnixTime::from_secs(NOW.as_secs() - 1);
                    block_on(list.revoke(&Revocation::subject(issuer(), "42", until).unwrap(), NOW)).unwrap();
                }
                2..10 => {
                    let this = Revocation::token(issuer(), &format!("t{n}"), None).unwrap();
                    block_on(list.revoke(&this, NOW)).unwrap();
                }
                _ => {}
            }
            let token = &tokens[n];
            prop_assert_eq!(answer(cached.verify(token, secs(at))), verifier.verify::<Own>(token, secs(at)));
        }
    }

    /// GHSA-rp9m-7r4c-75qg (fast-jwt). A token is not served for one that differs anywhere, in any way.
    #[test]
    fn distinct_tokens_are_never_served_for_one_another(
        at in any::<proptest::sample::Index>(),
        by in 1_u8..128,
        cut in 0_usize..3,
    ) {
        static WARM: OnceLock<(CachedVerifier<Own>, Vec<String>)> = OnceLock::new();
        let (cached, tokens) = WARM.get_or_init(|| {
            let (cached, tokens) = (cached(verifier()), (0..200).map(|n| numbered(4 * n + 3)).collect::<Vec<_>>());
            for token in &tokens {
                assert!(is_remembered(&cached, token, NOW));
            }
            (cached, tokens)
        });
        let token = at.get(tokens);
        let mut changed = token.clone().into_bytes();
        let place = at.index(changed.len());
        changed[place] = (changed[place] ^ by) & 0x7f;
        changed.truncate(changed.len() - cut);
        let changed = String::from_utf8(changed).unwrap();
        prop_assert_eq!(answer(cached.verify(&changed, NOW)), verifier().verify::<Own>(&changed, NOW));
        let own = cached.verify(token, NOW).unwrap();
        let name = format!("t{}", own.own().n);
        prop_assert_eq!(Some(&*name), own.claims().token_id());
        prop_assert_eq!(answer(Ok(own)), verifier().verify::<Own>(token, NOW));
    }
}

/// What is cached ends at `exp`.
#[test]
fn an_entry_expires_with_its_token() {
    let (cached, token) = (cached(verifier()), numbered(15)); // expires in 60 seconds
    assert!(is_remembered(&cached, &token, NOW));
    assert!(cached.verify(&token, secs(89)).is_ok(), "leeway included");
    let refused = cached.verify(&token, secs(90)).unwrap_err();
    assert_eq!(refused, VerifyError::Expired { ago: Duration::from_secs(30) });
    // A clock that steps back: what the verifier says, and no more.
    assert!(verifier().verify::<Own>(&token, secs(89)).is_ok() && cached.verify(&token, secs(89)).is_ok());
    assert!(cached.verify(&token, secs(90)).unwrap_err().is_expired());
}

/// A clock that steps back finds tokens in the cache that have not begun.
#[test]
fn an_entry_does_not_begin_before_its_token() {
    let (cached, token) = (cached(verifier()), numbered(4)); // begins in 50 seconds
    let refused = cached.verify(&token, secs(19)).unwrap_err();
    assert_eq!(refused, VerifyError::NotYetValid { claim: "nbf", wait: Duration::from_secs(31) });
    assert!(is_remembered(&cached, &token, secs(20)));
    assert_eq!(cached.verify(&token, secs(19)).unwrap_err(), refused);
    assert!(is_remembered(&cached, &token, secs(20)));
    // The same for `iat`: it is issued at `NOW`.
    let before = UnixTime::from_secs(NOW.as_secs() - 31);
    let token = numbered(3);
    assert!(is_remembered(&cached, &token, NOW));
    assert!(matches!(cached.verify(&token, before), Err(VerifyError::NotYetValid { claim: "iat", .. })));
}

#[test]
fn a_revoked_token_is_not_served() {
    let list = revoke_until_restart(Duration::from_secs(900), 100).unwrap();
    let cached = cached(verifier().with_revocations(Arc::new(list.clone())));
    let tokens = [numbered(3), numbered(5), numbered(7)];
    let all = |served: [bool; 3]| {
        for (token, is_served) in tokens.iter().zip(served) {
            let answer = cached.verify(token, NOW).map(drop);
            assert_eq!(answer, if is_served { Ok(()) } else { Err(VerifyError::Revoked) });
        }
    };
    assert!(tokens.iter().all(|token| is_remembered(&cached, token, NOW)));
    for (revocation, served) in [
        (Revocation::token(issuer(), "t3", None), [false, true, true]),
        (Revocation::session(issuer(), "s1"), [false, false, true]),
        (Revocation::subject(issuer(), "42", NOW), [false, false, false]),
    ] {
        block_on(list.revoke(&revocation.unwrap(), NOW)).unwrap();
        all(served);
        all(served);
    }
}

/// Revocations that do not count their changes are asked each time, and what they cannot say is not served.
#[test]
fn revocations_without_a_version_are_asked_each_time() {
    #[derive(Default)]
    struct Asked(AtomicUsize, AtomicBool);

    impl Revocations for Asked {
        fn status(&self, _: &Claims) -> RevocationStatus {
            self.0.fetch_add(1, Ordering::SeqCst);
            if self.1.load(Ordering::SeqCst) {
                RevocationStatus::Unavailable
            } else {
                RevocationStatus::NotRevoked
            }
        }
    }

    let asked = Arc::new(Asked::default());
    let cached = cached(verifier().with_revocations(Arc::clone(&asked) as Arc<dyn Revocations>));
    for n in 1..5 {
        assert!(cached.verify(&numbered(3), NOW).is_ok());
        assert_eq!(asked.0.load(Ordering::SeqCst), n);
    }
    asked.1.store(true, Ordering::SeqCst);
    assert_eq!(cached.verify(&numbered(3), NOW).unwrap_err(), VerifyError::RevocationsUnavailable);
    asked.1.store(false, Ordering::SeqCst);
    assert!(cached.verify(&numbered(3), NOW).is_ok(), "it was not the token's fault");
}

/// RFC 7800: having the token is not enough, so having it twice is not either.
#[test]
fn bound_tokens_are_never_remembered() {
    let cached = cached(verifier());
    let token = numbered(2);
    assert!(cached.verify(&token, NOW).unwrap().claims().is_bound());
    assert!(!is_remembered(&cached, &token, NOW));
    assert!(!cached.verify(&numbered(3), NOW).unwrap().claims().is_bound());
    for (cnf, is_bound) in [("{}", true), (r#"{"\u006akt":"x"}"#, true)] {
        for name in ["cnf", "\\u0063nf"] {
            let token = sign(HEADER, payload_with(&format!(r#""n":1,"{name}":{cnf}"#)));
            assert_eq!(cached.verify(&token, NOW).unwrap().claims().is_bound(), is_bound);
            assert!(!is_remembered(&cached, &token, NOW));
        }
    }
    // A `cnf` that is somebody's own, deeper down, binds nothing.
    assert!(is_remembered(&cached, &sign(HEADER, payload_with(r#""n":1,"own":{"cnf":{}}"#)), NOW));
    // RFC 7800 section 3.1: an object. Wrongly typed is not absent.
    for bad in ["null", "1", "\"x\"", "[]", "true"] {
        let refused = with_payload(payload_with(&format!(r#""cnf":{bad}"#))).unwrap_err();
        assert!(matches!(refused, VerifyError::WrongType { claim: "cnf", .. }), "{bad}");
    }
    // Whoever checks the proof reads it as a claim of his own.
    #[derive(Deserialize)]
    struct Bound {
        cnf: serde_json::Value,
    }
    let verified = verifier().verify::<Bound>(&numbered(2), NOW).unwrap();
    assert!(verified.own().cnf["jkt"].is_string());
}

/// Forgeries in the cache would be served, and floods of them would push out the rest.
#[test]
fn refusals_are_not_remembered() {
    let capacity = CacheCapacity::new(8, 8_192).unwrap();
    let cached = CachedVerifier::<Own>::new(verifier(), capacity);
    let good: Vec<_> = (0..8).map(|n| numbered(4 * n + 3)).collect();
    assert!(good.iter().all(|token| is_remembered(&cached, token, NOW)));
    for n in 0..1_000 {
        let forged = sign_segments(&base64(HEADER), &base64(payload_with(&format!(r#""n":{n}"#))), &[1; 32]);
        for _ in 0..2 {
            assert_eq!(cached.verify(&forged, NOW).unwrap_err(), VerifyError::Signature);
        }
    }
    let misfit = sign(HEADER, payload());
    for _ in 0..2 {
        assert!(matches!(cached.verify(&misfit, NOW), Err(VerifyError::OwnClaims(_))));
    }
    assert!(good.iter().all(|token| is_remembered(&cached, token, NOW)));
}

/// Each thread asks for its own tokens and everybody's; a few revoke; the cache is much too small.
#[test]
fn threads_get_their_own_answers() {
    let list = revoke_until_restart(Duration::from_secs(900), 1_000).unwrap();
    let verifier = verifier().with_revocations(Arc::new(list.clone()));
    let cached = CachedVerifier::<Own>::new(verifier, CacheCapacity::new(16, 16 * 512).unwrap());
    let tokens: Vec<_> = (0..40).map(|n| numbered(4 * n + 3)).collect();
    let revoked: Vec<_> = tokens.iter().map(|_| AtomicBool::new(false)).collect();
    thread::scope(|scope| {
        for thread in 0..4_usize {
            let (cached, tokens, revoked, list) = (&cached, &tokens, &revoked, &list);
            scope.spawn(move || {
                for round in 0..2_000_usize {
                    let n = round.wrapping_mul(7).wrapping_add(thread.wrapping_mul(13)) % tokens.len();
                    let was_revoked = revoked[n].load(Ordering::SeqCst);
                    match cached.verify(&tokens[n], NOW) {
                        Ok(verified) => {
                            assert!(!was_revoked);
                            assert_eq!(verified.own().n, 4 * n + 3);
                        }
                        Err(error) => assert_eq!(error, VerifyError::Revoked),
                    }
                    if round % 200 == 199 {
                        let name = format!("t{}", 4 * n + 3);
                        let this = Revocation::token(issuer(), &name, None).unwrap();
                        block_on(list.revoke(&this, NOW)).unwrap();
                        revoked[n].store(true, Ordering::SeqCst);
                    }
                }
            });
        }
    });
    assert!(revoked.iter().any(|revoked| revoked.load(Ordering::SeqCst)));
}

/// A clock that can be set to any time, and an account store of one account.
struct World {
    secs: AtomicUsize,
    epoch: AtomicUsize,
    is_down: AtomicBool,
}

impl Clock for World {
    fn now(&self) -> UnixTime {
        secs(self.secs.load(Ordering::SeqCst) as u64)
    }
}

#[async_trait]
impl EpochSource for World {
    async fn epoch_of(&self, _: &PrincipalId) -> Result<Option<AuthEpoch>, StoreError> {
        if self.is_down.load(Ordering::SeqCst) {
            return Err(StoreError::timeout());
        }
        Ok(Some(AuthEpoch::new(self.epoch.load(Ordering::SeqCst) as u64)))
    }
}

fn world() -> Arc<World> {
    Arc::new(World { secs: AtomicUsize::new(0), epoch: AtomicUsize::new(7), is_down: AtomicBool::new(false) })
}

fn present(bearer: &BearerAuthenticator, token: &str) -> Result<Authenticated, AuthenticateError> {
    block_on(bearer.authenticate(AccessToken::new(token.to_owned())))
}

fn reason(answer: Result<Authenticated, AuthenticateError>) -> RejectionReason {
    match answer {
        Err(AuthenticateError::Rejected(rejection)) => rejection.reason(),
        other => panic!("not rejected: {other:?}"),
    }
}

/// The server's way: everything that may have changed since the last request is still asked.
#[test]
fn a_bearer_token_that_was_seen_before_is_still_checked() {
    let world = world();
    let list = revoke_until_restart(Duration::from_secs(900), 100).unwrap();
    let bearer = BearerAuthenticator::new(verifier().with_revocations(Arc::new(list.clone())))
        .with_cache(CacheCapacity::default())
        .local_issuer(Realm::LOCAL)
        .unwrap()
        .with_epochs(Arc::clone(&world) as Arc<dyn EpochSource>)
        .unwrap()
        .with_clock(Arc::clone(&world) as Arc<dyn Clock>);
    let login = login_at_epoch(&PrincipalId::local_user("42").unwrap(), NOW, AuthEpoch::new(7));
    let tokens = TokenIssuer::new(key(), issuer(), audience(), ClientId::new("web").unwrap());
    let issued = tokens.for_login(&login).sign(NOW).unwrap();
    let token = issued.token().expose();

    let (first, second) = (present(&bearer, token).unwrap(), present(&bearer, token).unwrap());
    assert!(std::ptr::eq(first.authentication(), second.authentication()), "remembered");
    let mut presented = login.authentication().clone();
    presented.methods.push(Method::BEARER_TOKEN);
    assert_eq!(first.authentication(), &presented);
    world.epoch.store(8, Ordering::SeqCst);
    assert_eq!(reason(present(&bearer, token)), RejectionReason::Revoked);
    world.epoch.store(7, Ordering::SeqCst);
    world.is_down.store(true, Ordering::SeqCst);
    assert!(matches!(present(&bearer, token), Err(AuthenticateError::Unavailable(_))));
    world.is_down.store(false, Ordering::SeqCst);
    assert!(present(&bearer, token).is_ok());
    world.secs.store(930, Ordering::SeqCst);
    assert_eq!(reason(present(&bearer, token)), RejectionReason::Expired);
    world.secs.store(0, Ordering::SeqCst);
    assert!(present(&bearer, token).is_ok());
    block_on(list.revoke(&Revocation::token(issuer(), issued.id(), None).unwrap(), NOW)).unwrap();
    assert_eq!(reason(present(&bearer, token)), RejectionReason::Revoked);
}

/// What a stranger's token means must not be served for what it means once the stranger is one of us.
#[test]
fn a_cache_is_not_shared_across_a_change_of_realm() {
    let token = sign(HEADER, payload_with(r#""acr":"aal2""#));
    let foreign = BearerAuthenticator::new(verifier())
        .with_cache(CacheCapacity::default())
        .with_clock(world() as Arc<dyn Clock>);
    let stranger = present(&foreign, &token).unwrap();
    let local = foreign.clone().local_issuer(Realm::LOCAL).unwrap();
    let user = present(&local, &token).unwrap();
    assert_eq!(user.principal(), &PrincipalId::local_user("42").unwrap());
    assert_eq!(stranger.authentication().assurance, Assurance::Aal1);
    assert_eq!(present(&foreign, &token).unwrap().principal(), stranger.principal());
}

/// A login in the future counts as now. If the clock then steps back, it counts as that now.
#[test]
fn the_time_of_login_is_not_flattered_by_a_cache() {
    let world = world();
    let bearer = BearerAuthenticator::new(verifier())
        .with_cache(CacheCapacity::default())
        .with_clock(Arc::clone(&world) as Arc<dyn Clock>);
    let token = sign(HEADER, payload_with(r#""auth_time":1900000000"#));
    let at = |now: usize| {
        world.secs.store(now, Ordering::SeqCst);
        present(&bearer, &token).unwrap().authentication().at
    };
    assert_eq!((at(10), at(5), at(20)), (secs(10), secs(5), secs(5)));
}

/// What the authenticator refuses of a good token is refused again.
#[test]
fn what_the_authenticator_refuses_is_not_remembered() {
    let verifier = Verifier::new(key(), TokenPolicy::typed(any_typ(), issuer(), audience()));
    let bearer = BearerAuthenticator::new(verifier)
        .with_cache(CacheCapacity::default())
        .with_clock(world() as Arc<dyn Clock>);
    for (token, why) in [
        (sign(HEADER, payload_but("sub", "")), RejectionReason::WrongUse),
        (sign(HEADER, payload_with(r#""scope":"é""#)), RejectionReason::Malformed),
    ] {
        for _ in 0..2 {
            assert_eq!(reason(present(&bearer, &token)), why);
        }
    }
}

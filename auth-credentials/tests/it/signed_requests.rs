//! Requests that are signed.

use std::{
    sync::{Arc, Barrier},
    thread,
    time::Duration,
};

use auth_core::{
    AccountChange, AccountStatus, AuditEvent, AuthenticateError, Authenticated, Authenticator, Clock,
    KeyName, KeyRing, Malformed, MemoryCounters, MemoryTokens, Method, Refusal, RejectionReason, Scopes,
    Secret, SystemEntropy,
    testing::{FailWith, FailingStore, block_on},
};
use auth_credentials::{
    ApiKeyId, ApiKeyPrefix, ApiKeyTerms, ApiKeys, BodyDigest, RequestSigner, SignedHead, SignedHeaders,
    SignedRequest, SignedRequests,
};

use crate::support::{
    address,
    app::{App, PASSWORD},
};

const HOST: &str = "api.example.com";
const TARGET: &str = "/notes/7?draft=1&draft=2";
const BODY: &[u8] = br#"{"text":"milk"}"#;

struct Api {
    app: App,
    keys: ApiKeys,
    signed: SignedRequests,
    seen: Arc<FailingStore<MemoryTokens>>,
    id: ApiKeyId,
    signer: RequestSigner,
}

fn secret(seed: u8) -> Secret {
    Secret::new((seed..).take(32).collect())
}

fn ring() -> KeyRing {
    KeyRing::new(KeyName::from_static("k"), secret(1)).unwrap()
}

impl Api {
    fn new() -> Self {
        let app = App::new();
        app.sign_up("ann", PASSWORD);
        let prefix = ApiKeyPrefix::parse("acme").unwrap();
        let keys = ApiKeys::new(app.accounts.clone(), prefix, Arc::new(MemoryCounters::new(1_000)));
        let seen = Arc::new(FailingStore::new(MemoryTokens::new(1_000)));
        let signed = SignedRequests::new(keys.clone(), Arc::new(ring()), Arc::clone(&seen) as _);
        let terms =
            ApiKeyTerms::new("sync", Scopes::parse("notes.write").unwrap(), Duration::from_secs(86_400));
        let terms = terms.unwrap().only_from(vec!["10.0.0.0/8".parse().unwrap()]);
        let id = block_on(keys.create(&app.request_of("ann", PASSWORD), &terms)).unwrap().id;
        let signer = RequestSigner::new(id, &signed.secret(&id)).unwrap();
        Self { app, keys, signed, seen, id, signer }
    }

    fn sign(&self) -> SignedHeaders {
        let now = self.app.clock.now();
        self.signer.sign(("POST", HOST, TARGET), BodyDigest::of(BODY), now, &SystemEntropy).unwrap()
    }

    /// The request that was signed, or what somebody made of it.
    fn send(&self, request: &Sent<'_>) -> Result<Authenticated, AuthenticateError> {
        let read = SignedRequest::read(&request.head(), BodyDigest::of(request.body), Some(request.from))?;
        block_on(self.signed.authenticate(read))
    }

    fn refused(&self, request: &Sent<'_>) -> RejectionReason {
        let error = self.send(request).unwrap_err();
        assert_eq!(error.to_string(), "credential refused");
        *self.app.reasons().last().unwrap()
    }
}

#[derive(Clone, Copy)]
struct Sent<'a> {
    method: &'a str,
    authority: &'a str,
    target: &'a str,
    body: &'a [u8],
    input: &'a str,
    signature: &'a str,
    digest: &'a str,
    from: std::net::IpAddr,
}

impl<'a> Sent<'a> {
    fn of(headers: &'a SignedHeaders) -> Self {
        Self {
            method: "POST",
            authority: HOST,
            target: TARGET,
            body: BODY,
            input: &headers.signature_input,
            signature: &headers.signature,
            digest: &headers.content_digest,
            from: address(1),
        }
    }

    fn head(&self) -> SignedHead<'a> {
        SignedHead {
            method: self.method,
            authority: self.authority,
            target: self.target,
            signature_input: self.input.as_bytes(),
            signature: self.signature.as_bytes(),
            content_digest: self.digest.as_bytes(),
        }
    }
}

#[test]
fn a_signed_request_acts_for_the_owner_of_its_key_within_its_scopes() {
    let api = Api::new();
    let who = api.send(&Sent::of(&api.sign())).unwrap();
    let authentication = who.authentication();
    assert_eq!(authentication.principal, api.app.id("ann"));
    assert_eq!(authentication.methods, [Method::API_KEY]);
    assert_eq!(who.limits().scopes, Some(Scopes::parse("notes.write").unwrap()));
    // Neither the signer nor the secret is printed.
    let shown = format!("{:?} {:?}", api.signer, api.signed);
    assert!(!shown.contains(api.signed.secret(&api.id).expose_str().unwrap()), "{shown}");
}

/// Everything that a request does is signed: whoever stands in between changes none of it.
#[test]
fn nothing_of_a_signed_request_can_be_changed() {
    let api = Api::new();
    let headers = api.sign();
    let sent = Sent::of(&headers);
    let other = api.sign();
    let empty = BodyDigest::of(b"");
    let of_empty =
        api.signer.sign(("POST", HOST, TARGET), empty, api.app.clock.now(), &SystemEntropy).unwrap();
    let changed = [
        Sent { method: "PUT", ..sent },
        Sent { method: "post", ..sent },
        Sent { authority: "other.example.com", ..sent },
        Sent { authority: "api.example.com:8443", ..sent },
        Sent { target: "/notes/8?draft=1&draft=2", ..sent },
        Sent { target: "/notes/7?draft=2&draft=1", ..sent },
        Sent { target: "/notes/7?draft=1", ..sent },
        Sent { target: "/notes/7", ..sent },
        Sent { target: "/notes/7?draft=1&draft=2?", ..sent },
        Sent { body: b"{\"text\":\"beer\"}", ..sent },
        Sent { body: b"", ..sent },
        Sent { body: b"", digest: &of_empty.content_digest, ..sent },
        Sent { signature: &other.signature, ..sent },
        Sent { input: &other.signature_input, ..sent },
    ];
    for (at, request) in changed.iter().enumerate() {
        assert_eq!(api.refused(request), RejectionReason::Signature, "{at}");
    }
    // Parameters too, also such that would keep it good for longer.
    let input = &headers.signature_input;
    let later = format!("created={}", api.app.clock.now().as_secs() + 60);
    let now = format!("created={}", api.app.clock.now().as_secs());
    for input in [
        input.replace(&now, &later),
        input.replace("nonce=\"", "nonce=\"x"),
        input.replace(";alg=\"hmac-sha256\"", ""),
    ] {
        assert_ne!(input, headers.signature_input);
        assert_eq!(api.refused(&Sent { input: &input, ..sent }), RejectionReason::Signature, "{input}");
    }
    let swapped = input.replace("\"@method\" \"@authority\"", "\"@authority\" \"@method\"");
    assert_eq!(api.refused(&Sent { input: &swapped, ..sent }), RejectionReason::Signature);
    // None of it used the nonce up.
    assert!(api.send(&sent).is_ok());
    // The host is compared as hosts are.
    let again = api.sign();
    assert!(api.send(&Sent { authority: "API.example.com:443", ..Sent::of(&again) }).is_ok());
}

/// What was recorded is worth nothing, however often and however fast it is sent.
#[test]
fn of_32_copies_of_one_request_at_once_one_is_accepted() {
    let api = Api::new();
    let headers = api.sign();
    let barrier = Barrier::new(32);
    let accepted = thread::scope(|scope| {
        let copies: Vec<_> = (0..32)
            .map(|_| {
                scope.spawn(|| {
                    barrier.wait();
                    match api.send(&Sent::of(&headers)) {
                        Ok(_) => true,
                        Err(AuthenticateError::Rejected(rejection)) => {
                            assert_eq!(rejection.reason(), RejectionReason::Replayed);
                            false
                        }
                        Err(error) => panic!("{error:?}"),
                    }
                })
            })
            .collect();
        copies.into_iter().map(|copy| copy.join().unwrap()).filter(|ok| *ok).count()
    });
    assert_eq!(accepted, 1);
    assert_eq!(api.refused(&Sent::of(&headers)), RejectionReason::Replayed);
    // The same nonce of another key is another one.
    assert!(api.send(&Sent::of(&api.sign())).is_ok());
}

/// A copy must not become fresh when the store has forgotten the nonce.
#[test]
fn a_copy_stays_refused_until_its_time_is_over_and_after() {
    let api = Api::new();
    let headers = api.sign();
    assert!(api.send(&Sent::of(&headers)).is_ok());
    for _ in 0..600 {
        api.app.clock.step(Duration::from_secs(1));
        let _ = block_on(auth_core::TokenStore::purge(&*api.seen, api.app.clock.now(), 100)).unwrap();
        let reason = api.refused(&Sent::of(&headers));
        assert!(matches!(reason, RejectionReason::Replayed | RejectionReason::Expired), "{reason}");
    }
}

#[test]
fn a_request_is_good_within_the_window_alone() {
    let api = Api::new();
    let (window, second) = (SignedRequests::WINDOW, Duration::from_secs(1));
    let late = api.sign();
    let at = api.app.clock.now();
    let sign_at =
        |time| api.signer.sign(("POST", HOST, TARGET), BodyDigest::of(BODY), time, &SystemEntropy).unwrap();
    // A client whose clock is ahead.
    assert!(api.send(&Sent::of(&sign_at(at.saturating_add(window)))).is_ok());
    let ahead = sign_at(at.saturating_add(window + second));
    assert_eq!(api.refused(&Sent::of(&ahead)), RejectionReason::NotYetValid);
    api.app.clock.step(window + second);
    assert_eq!(api.refused(&Sent::of(&late)), RejectionReason::Expired);
    assert!(api.send(&Sent::of(&sign_at(at.saturating_add(second)))).is_ok());
    for odd in [auth_core::UnixTime::EPOCH, auth_core::UnixTime::MAX] {
        assert!(api.send(&Sent::of(&sign_at(odd))).is_err());
    }
}

/// Whatever ends the key ends what it signs; and no store is asked for what is not signed.
#[test]
fn a_signature_is_as_good_as_its_key() {
    let api = Api::new();
    let stranger = ApiKeyId::parse("0123456789abcdeF").unwrap();
    let forged = RequestSigner::new(stranger, &api.signed.secret(&api.id)).unwrap();
    let now = api.app.clock.now();
    let forged = forged.sign(("POST", HOST, TARGET), BodyDigest::of(BODY), now, &SystemEntropy).unwrap();
    let _ = api.app.store.calls();
    assert_eq!(api.refused(&Sent::of(&forged)), RejectionReason::Signature);
    assert!(api.app.store.calls().is_empty());

    let headers = api.sign();
    let elsewhere = Sent { from: "192.0.2.1".parse().unwrap(), ..Sent::of(&headers) };
    assert_eq!(api.refused(&elsewhere), RejectionReason::Policy);
    api.app.change("ann", AccountChange::Status(AccountStatus::Disabled));
    assert_eq!(api.refused(&Sent::of(&api.sign())), RejectionReason::Disabled);
    api.app.change("ann", AccountChange::Status(AccountStatus::Active));
    block_on(api.keys.revoke_for(&api.app.id("ann"), &api.id)).unwrap();
    assert_eq!(api.refused(&Sent::of(&api.sign())), RejectionReason::Unknown);
}

/// Each nonce is kept for minutes, and the store is everybody's: one client must not fill it.
#[test]
fn a_client_has_so_many_requests_and_no_copy_uses_them_up() {
    let mut api = Api::new();
    api.signed = api.signed.clone().with_max_requests(5).with_max_requests_of_a_key(5);
    api.app.sign_up("bob", PASSWORD);
    let terms = ApiKeyTerms::new("sync", Scopes::parse("notes.write").unwrap(), Duration::from_secs(86_400));
    let terms = terms.unwrap();
    let signer = |login: &str| {
        let id = block_on(api.keys.create(&api.app.request_of(login, PASSWORD), &terms)).unwrap().id;
        RequestSigner::new(id, &api.signed.secret(&id)).unwrap()
    };
    let sign = |signer: &RequestSigner| {
        let now = api.app.clock.now();
        signer.sign(("POST", HOST, TARGET), BodyDigest::of(BODY), now, &SystemEntropy).unwrap()
    };
    let first = api.sign();
    assert!(api.send(&Sent::of(&first)).is_ok());
    for _ in 0..100 {
        assert_eq!(api.refused(&Sent::of(&first)), RejectionReason::Replayed);
    }
    for n in 1..5 {
        assert!(api.send(&Sent::of(&api.sign())).is_ok(), "{n}");
    }
    // Another key of hers is no way around it, and somebody else has their own.
    for headers in [api.sign(), sign(&signer("ann"))] {
        let refusal = Refusal::from(api.send(&Sent::of(&headers)).unwrap_err());
        assert_eq!(refusal.status(), 429);
    }
    assert!(api.send(&Sent::of(&sign(&signer("bob")))).is_ok());
    assert!(api.app.audit.events().iter().any(|(_, event)| matches!(
        event,
        AuditEvent::Throttled { what: "signed-request", principal: Some(who), .. } if *who == api.app.id("ann")
    )));
    // For as long as a nonce may be kept.
    api.app.clock.step(3 * SignedRequests::WINDOW);
    assert_eq!(Refusal::from(api.send(&Sent::of(&api.sign())).unwrap_err()).status(), 429);
    api.app.clock.step(Duration::from_secs(60));
    assert!(api.send(&Sent::of(&api.sign())).is_ok());
}

/// A key that may do little, and leaked, must not keep the account's others from what they are for.
#[test]
fn one_key_does_not_use_up_what_the_others_of_its_account_have() {
    let mut api = Api::new();
    let terms = ApiKeyTerms::new("sync", Scopes::parse("notes.write").unwrap(), Duration::from_secs(86_400));
    let other = block_on(api.keys.create(&api.app.request_of("ann", PASSWORD), &terms.unwrap())).unwrap().id;
    let narrow = [api.signed.clone().with_max_requests(5), api.signed.clone().with_max_requests_of_a_key(3)];
    for (signed, step) in narrow.into_iter().zip([0, 420]) {
        api.app.clock.step(Duration::from_secs(step));
        api.signed = signed;
        for n in 0..5 {
            assert_eq!(api.send(&Sent::of(&api.sign())).is_ok(), n < 3, "{n}");
        }
        let signer = RequestSigner::new(other, &api.signed.secret(&other)).unwrap();
        let now = api.app.clock.now();
        let headers = signer.sign(("POST", HOST, TARGET), BodyDigest::of(BODY), now, &SystemEntropy).unwrap();
        assert!(api.send(&Sent::of(&headers)).is_ok());
    }
}

#[test]
fn a_retired_key_of_the_ring_still_verifies() {
    let api = Api::new();
    let next = KeyRing::new(KeyName::from_static("next"), secret(7)).unwrap();
    let seen: Arc<MemoryTokens> = Arc::new(MemoryTokens::new(10));
    let over = |ring: KeyRing| SignedRequests::new(api.keys.clone(), Arc::new(ring), Arc::clone(&seen) as _);
    let headers = api.sign();
    let read =
        || SignedRequest::read(&Sent::of(&headers).head(), BodyDigest::of(BODY), Some(address(1))).unwrap();
    assert!(block_on(over(next.clone()).authenticate(read())).is_err());
    let both = next.with_retired(KeyName::from_static("k"), secret(1)).unwrap();
    assert!(block_on(over(both).authenticate(read())).is_ok());
}

#[test]
fn a_store_that_fails_is_503_and_never_a_request() {
    let api = Api::new();
    for how in [FailWith::NotWritten, FailWith::Timeout, FailWith::LostAnswer] {
        api.seen.fail_with(Some(how));
        assert_eq!(Refusal::from(api.send(&Sent::of(&api.sign())).unwrap_err()).status(), 503);
        api.seen.fail_with(None);
        api.app.store.inner.fail_with(Some(how));
        assert_eq!(Refusal::from(api.send(&Sent::of(&api.sign())).unwrap_err()).status(), 503);
        api.app.store.inner.fail_with(None);
    }
}

/// A signature that covers less must not pass for one that covers all, and what can be read in two ways is not read.
#[test]
fn a_head_of_another_form_is_malformed() {
    let api = Api::new();
    let headers = api.sign();
    let sent = Sent::of(&headers);
    let input = &headers.signature_input;
    let inputs = [
        String::new(),
        input.replace(" \"content-digest\"", ""),
        input.replace(" \"@query\"", ""),
        input.replace("\"@query\"", "\"@query\" \"@query\""),
        input.replace("\"@query\"", "\"date\""),
        input.replace("\"@query\"", "\"@query\";req"),
        input.replace("\"@method\"", " \"@method\""),
        input.replace("hmac-sha256", "rsa-v1_5-sha256"),
        input.replace(";alg=", ";tag=\"x\";alg="),
        input.replace(";alg=", "; alg="),
        input.replace(";created=", ";created=0"),
        input.replace(";created=", ";created=1;created="),
        input.replace(";created=", ";creation="),
        input.replace(";nonce=", ";once="),
        input.replace(";keyid=\"", ";keyid=\"x"),
        input.replace("sig=", "Sig="),
        input.replace("sig=", "="),
        format!("{input}, {input}"),
        format!("{input};"),
        format!("{input}\u{e9}"),
        input.split(";nonce=\"").next().unwrap().to_owned() + ";nonce=\"short\"",
    ];
    for input in &inputs {
        let error = api.send(&Sent { input, ..sent }).unwrap_err();
        assert!(matches!(error, AuthenticateError::Malformed(Malformed::Header)), "{input}: {error:?}");
    }
    let signature = &headers.signature;
    for signature in [
        "",
        "sig=::",
        &signature[4..],
        &signature.replace("sig=", "gis="),
        &signature[..40],
        &format!("{signature}, x=:AAAA:"),
    ] {
        assert!(api.send(&Sent { signature, ..sent }).is_err(), "{signature}");
    }
    for bad in ["/a b", "/a\nb", "/\u{e9}", "/a\r\n\"@query\": ?"] {
        assert!(api.send(&Sent { target: bad, ..sent }).is_err(), "{bad}");
    }
    assert!(
        api.send(&Sent { method: "PO ST", ..sent }).is_err()
            && api.send(&Sent { method: "", ..sent }).is_err()
    );
    assert!(api.send(&Sent { authority: "a\nb", ..sent }).is_err());
    let huge = "x".repeat(1 << 20);
    for request in [
        Sent { input: &huge, ..sent },
        Sent { signature: &huge, ..sent },
        Sent { digest: &huge, ..sent },
        Sent { method: &huge, ..sent },
        Sent { authority: &huge, ..sent },
        Sent { target: &huge, ..sent },
    ] {
        let error = api.send(&request).unwrap_err();
        assert!(matches!(error, AuthenticateError::Malformed(Malformed::TooLarge)), "{error:?}");
    }
    assert!(api.app.reasons().is_empty() && api.send(&sent).is_ok());
}

/// Clients in other languages write labels, orders and optional parameters of their own.
#[test]
fn labels_orders_and_expiry_are_the_clients() {
    let api = Api::new();
    use base64::{
        Engine,
        engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
    };
    use hmac::{Hmac, KeyInit, Mac};
    let digest = api.sign().content_digest;
    let at = api.app.clock.now().as_secs();
    let send = |expires: u64, nonce: &str| {
        let params = format!(
            "(\"content-digest\" \"@query\" \"@path\" \"@authority\" \"@method\");nonce=\"{nonce}\";keyid=\"{}\";\
            expires={expires};created={at}",
            api.id
        );
        let base = format!(
            "\"content-digest\": {digest}\n\"@query\": ?draft=1&draft=2\n\"@path\": /notes/7\n\
            \"@authority\": {HOST}\n\"@method\": POST\n\"@signature-params\": {params}"
        );
        let secret = URL_SAFE_NO_PAD.decode(api.signed.secret(&api.id).expose()).unwrap();
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&secret).unwrap();
        mac.update(base.as_bytes());
        let signature = format!("my-app.1=:{}:", STANDARD.encode(mac.finalize().into_bytes()));
        let input = format!("my-app.1={params}");
        let headers = api.sign();
        let sent = Sent { input: &input, signature: &signature, ..Sent::of(&headers) };
        api.send(&sent)
    };
    assert!(send(at + 1, "0123456789abcdef").is_ok());
    assert!(send(at, "0123456789abcdeg").is_err(), "it has ended");
    assert_eq!(api.app.reasons().last(), Some(&RejectionReason::Expired));
}

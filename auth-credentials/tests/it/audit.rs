//! What is written down.

use std::{sync::Arc, time::Duration};

use auth_core::{
    AuditEvent, Authenticated, Authentication, Authenticator, MemoryTokens, Method, RejectionReason, Scopes,
    Secret, SystemEntropy, testing::block_on,
};
use auth_credentials::{
    ApiKeyCredential, ApiKeyPrefix, ApiKeyTerms, ApiKeys, BodyDigest, RequestSigner, SignedHead,
    SignedRequest, SignedRequests,
};

use crate::support::{
    address,
    app::{App, PASSWORD, credential},
    counters::TestCounters,
    mail::{ANN, Post},
    password,
};

const FLOOD: u32 = 1_000;

/// What was written since the last time: how many of an event, and how many of it are said not to be.
fn written(app: &App, name: &str, before: usize) -> (usize, u64) {
    let events = app.audit.events();
    let events = || events.iter().skip(before).map(|(_, event)| event);
    let suppressed = |event: &AuditEvent| match event {
        AuditEvent::EventsSuppressed { event, count } if *event == name => *count,
        _ => 0,
    };
    (events().filter(|event| event.name() == name).count(), events().map(suppressed).sum())
}

/// What is done again and again, prepared.
type Flood = for<'a> fn(&'a Post, &'a ApiKeys) -> Box<dyn Fn(u32) + 'a>;

/// A request that was signed and accepted, to send once more.
fn recorded(post: &Post, keys: &ApiKeys) -> impl Fn(u32) {
    let (account, now) = (post.app.account(ANN), post.now());
    let login = Authentication::new(account.id, Method::PASSWORD, now, account.epoch);
    let terms =
        ApiKeyTerms::new("sync", Scopes::parse("notes.write").unwrap(), Duration::from_secs(86_400)).unwrap();
    let id = block_on(keys.create(&Authenticated::assertion(login), &terms)).unwrap().id;
    let seen = Arc::new(MemoryTokens::new(10));
    let signed = SignedRequests::new(keys.clone(), Arc::clone(&post.keys), seen);
    let signer = RequestSigner::new(id, &signed.secret(&id)).unwrap();
    let digest = BodyDigest::of(b"");
    let headers = signer.sign(("GET", "api.example.com", "/"), digest, now, &SystemEntropy).unwrap();
    let send = move |n| {
        let head = SignedHead {
            method: "GET",
            authority: "api.example.com",
            target: "/",
            signature_input: headers.signature_input.as_bytes(),
            signature: headers.signature.as_bytes(),
            content_digest: headers.content_digest.as_bytes(),
        };
        let read = SignedRequest::read(&head, BodyDigest::of(b""), Some(address(n))).unwrap();
        block_on(signed.authenticate(read))
    };
    let _ = send(1).unwrap();
    move |n| {
        send(n).unwrap_err();
    }
}

/// A log that keeps so many events, or a disk that holds so many, would lose what they are to be hidden among.
#[test]
fn tries_of_strangers_fill_no_audit_log() {
    let floods: [(&str, &str, Flood); 8] = [
        ("logins beyond the limit", "throttled", |post, _| {
            Box::new(|_| {
                post.app.log_in(ANN, "wrong").unwrap_err();
            })
        }),
        ("logins that nobody has", "credential.refused", |post, _| {
            Box::new(|n| {
                post.app.log_in_from(&format!("nobody{n}"), "wrong", address(n)).unwrap_err();
            })
        }),
        ("links beyond the limit", "throttled", |post, _| {
            Box::new(|_| {
                block_on(post.links.ask_to_reset(ANN, Some(address(1)))).unwrap_err();
            })
        }),
        ("links that are made up", "credential.refused", |post, _| {
            Box::new(|n| {
                block_on(post.links.reset("x", password(PASSWORD), Some(address(n)))).unwrap_err();
            })
        }),
        ("a bound link without its cookie", "credential.refused", |post, _| {
            let (browser, _) = (Secret::from("cookie of this browser".to_owned()), post.messages());
            block_on(post.links.ask_to_log_in(ANN, Some(&browser), Some(address(2)))).unwrap();
            let token = post.token();
            Box::new(move |n| {
                block_on(post.links.log_in(&token, None, Some(address(n)))).unwrap_err();
            })
        }),
        ("keys that are none", "credential.refused", |_, keys| {
            Box::new(|n| {
                let none = ApiKeyCredential::new(b"acme_none", Some(address(n)));
                block_on(keys.authenticate(none)).unwrap_err();
            })
        }),
        ("copies of one signed request", "credential.refused", |post, keys| Box::new(recorded(post, keys))),
        ("sign-ups beyond the limit", "throttled", |post, _| {
            Box::new(|_| {
                let eve = credential("eve@example.com", PASSWORD, address(1));
                block_on(post.accounts.sign_up(eve)).unwrap_err();
            })
        }),
    ];
    for (flood, event, prepared) in floods {
        let post = Post::new();
        let counters = Arc::<TestCounters>::clone(&post.app.counters);
        let keys = ApiKeys::new(post.accounts.clone(), ApiKeyPrefix::parse("acme").unwrap(), counters);
        // Up to the limit, where there is one.
        for n in 0..20 {
            let _ = post.app.log_in(ANN, "wrong");
            if n < 3 {
                block_on(post.links.ask_to_reset(ANN, Some(address(1)))).unwrap();
            }
            let login = format!("eve{n}@example.com");
            let _ = block_on(post.accounts.sign_up(credential(&login, PASSWORD, address(1))));
        }
        post.app.clock.step(Duration::from_secs(20));
        let once = prepared(&post, &keys);
        let before = post.app.audit.events().len();
        for n in 0..FLOOD {
            once(100 + n);
        }
        let (told, _) = written(&post.app, event, before);
        assert_eq!(told, 16, "{flood}");
        assert!(post.app.audit.events().len() - before < 40, "{flood}");
        post.app.clock.step(Duration::from_secs(1));
        once(99);
        let (told, suppressed) = written(&post.app, event, before);
        assert_eq!((told, suppressed), (17, u64::from(FLOOD) - 16), "{flood}");
    }
}

/// Otherwise whoever makes links up hides a try at somebody's password.
#[test]
fn one_flood_hides_neither_another_nor_what_is_known_of_an_account() {
    let post = Post::new();
    let flood = || {
        for _ in 0..FLOOD {
            block_on(post.links.reset("x", password(PASSWORD), None)).unwrap_err();
        }
    };
    flood();
    let before = post.app.audit.events().len();
    post.app.log_in_from("nobody", "wrong", address(2)).unwrap_err();
    post.app.log_in_from(ANN, "wrong", address(3)).unwrap_err();
    flood();
    let events: Vec<_> = post.app.audit.events().into_iter().skip(before).map(|(_, event)| event).collect();
    let refused = |reason, principal, n| AuditEvent::CredentialRefused {
        reason,
        method: Method::PASSWORD,
        principal,
        source: Some(address(n)),
    };
    let anns = Some(post.app.id(ANN));
    assert_eq!(
        events,
        [refused(RejectionReason::Unknown, None, 2), refused(RejectionReason::Mismatch, anns, 3)]
    );
}

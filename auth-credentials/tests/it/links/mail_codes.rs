//! Logging in by a code that is mailed.

use std::{
    sync::{Arc, Barrier},
    thread,
    time::Duration,
};

use auth_core::{
    AccountChange, AccountStatus, Assurance, AuthenticateError, Authenticator, CredentialKey, CredentialKind,
    CredentialStore, FactorPassed, LoginOutcome, Method, Purpose, Refusal, RejectionReason,
    testing::{FailWith, block_on},
};
use auth_credentials::{
    Limit, LinkPurpose, MailCodeCredential, MailCodes, Notice, OneFactor, Throttle, ThrottleLimits,
};

use super::reason;
use crate::support::{
    address, alone,
    app::PASSWORD,
    counters::TestCounters,
    far_apart,
    mail::{ANN, Post, token_of},
    medians, password,
};

#[derive(Clone)]
struct Coded {
    post: Post,
    codes: MailCodes,
}

impl Coded {
    /// With the address of Ann's account proven.
    fn new() -> Self {
        Self::of(Post::verified())
    }

    fn of(post: Post) -> Self {
        let counters = Arc::<TestCounters>::clone(&post.app.counters);
        let codes = MailCodes::new(post.links.clone(), Arc::clone(&post.keys), counters);
        Self { post, codes }
    }

    fn unthrottled() -> Self {
        let coded = Self::new();
        let limit = Limit::new(u32::MAX.try_into().unwrap(), ThrottleLimits::login().pair.window());
        let limits = ThrottleLimits { pair: limit, account: limit, source: limit, global: None };
        let throttle = || {
            let counters = Arc::<TestCounters>::clone(&coded.post.app.counters);
            Throttle::new(counters, Purpose::new("unthrottled"), limits)
        };
        let mut post = coded.post.clone();
        post.links = post.links.with_throttle(throttle());
        let codes = Self::of(post.clone()).codes.with_throttle(throttle());
        Self { post, codes }
    }

    /// Asks for Ann, and reads her mail.
    fn asked(&self) -> (String, String) {
        let handle = self.handle(ANN, 1);
        (handle, self.received())
    }

    fn handle(&self, typed: &str, from: u32) -> String {
        block_on(self.codes.ask(typed, Some(address(from)))).unwrap().expose().to_owned()
    }

    fn received(&self) -> String {
        let messages = self.post.messages();
        assert!(messages.len() == 1 && messages[0].to.as_str() == ANN, "{messages:?}");
        messages[0].notice.code().unwrap().expose().to_owned()
    }

    fn check(&self, handle: &str, typed: &str, from: u32) -> Result<FactorPassed, AuthenticateError> {
        let credential = MailCodeCredential::new(handle.to_owned(), typed.to_owned(), Some(address(from)));
        block_on(self.codes.authenticate(credential))
    }

    fn failures(&self) -> u32 {
        let key = CredentialKey::only(&self.post.app.id(ANN), CredentialKind::MAILBOX);
        block_on(self.post.app.store.inner.find(&key)).unwrap().unwrap().credential.failures
    }
}

fn rejected<T>(outcome: Result<T, AuthenticateError>) -> bool {
    matches!(outcome, Err(AuthenticateError::Rejected(_)))
}

fn other_than(code: &str) -> &'static str {
    if code == "00000000" { "00000001" } else { "00000000" }
}

/// The gate decides, and wants the second factor as after any other first one.
#[test]
fn a_mailed_code_is_a_first_factor() {
    let coded = Coded::new();
    let (handle, code) = coded.asked();
    assert_eq!(code.len(), 8);
    assert!(rejected(coded.check(&handle, other_than(&code), 1)));
    let factor = coded.check(&handle, &code, 1).unwrap();
    assert_eq!(factor.method(), &Method::MAIL_CODE);
    let gate = auth_core::LoginGate::new(Arc::new(OneFactor::password().or(Method::MAIL_CODE)));
    let enrolled = block_on(coded.post.accounts.enrolled(factor.principal())).unwrap();
    let LoginOutcome::Complete(login) = gate.begin(factor, &enrolled, coded.post.now()).unwrap() else {
        panic!("one factor is enough")
    };
    assert_eq!(login.authentication().assurance, Assurance::Aal1);
    // A policy that does not name it accepts none.
    let (handle, code) = coded.asked();
    let factor = coded.check(&handle, &code, 1).unwrap();
    assert!(rejected(block_on(coded.post.accounts.begin(factor, None))));
}

/// Medians, with the bound of the other measurements, while every message is sent: a path that skips the token misses it.
#[test]
fn asking_takes_the_same_time() {
    type Ask = fn(&Coded, &str, Option<std::net::IpAddr>);
    let _turn = alone();
    let coded = Coded::unthrottled();
    let (post, from) = (&coded.post, Some(address(1)));
    let ask: [(&str, Ask); 3] = [
        ("reset", |coded, login, from| block_on(coded.post.links.ask_to_reset(login, from)).unwrap()),
        ("log in", |coded, login, from| block_on(coded.post.links.ask_to_log_in(login, None, from)).unwrap()),
        ("code", |coded, login, from| drop(block_on(coded.codes.ask(login, from)).unwrap())),
    ];
    for (what, ask) in ask {
        let medians = |_| {
            let coded = &coded;
            medians(
                25,
                [ANN, "nobody@example.com"].map(|login| {
                    move || {
                        coded.post.app.clock.step(Duration::from_secs(3_600));
                        ask(coded, login, from);
                    }
                }),
            )
        };
        let tries: Vec<_> = (0..5).map(medians).take_while(|one| far_apart(one[0], one[1])).collect();
        assert!(tries.len() < 5, "{what}: {tries:?}");
        assert!(!post.messages().is_empty());
    }
}

/// The same answer and the same calls, whoever has the address, when asking and when trying.
#[test]
fn asking_for_a_code_answers_alike_after_the_same_work() {
    let coded = Coded::new();
    let post = &coded.post;
    post.app.sign_up("disabled@example.com", PASSWORD);
    post.app.change("disabled@example.com", AccountChange::Status(AccountStatus::Disabled));
    post.app.sign_up("unverified@example.com", PASSWORD);
    post.app.sign_up("no-address", PASSWORD);
    let mut seen = Vec::new();
    for (n, login) in
        [ANN, "nobody@example.com", "disabled@example.com", "unverified@example.com", "no-address"]
            .into_iter()
            .enumerate()
    {
        let work = || {
            let calls = (post.app.store.calls(), post.tokens.calls());
            (post.app.counters.writes(), calls)
        };
        let (before, _) = work();
        let handle = coded.handle(login, 1);
        let (asked, calls) = work();
        let outcome = coded.check(&handle, "00000000", 10 + u32::try_from(n).unwrap());
        assert_eq!(outcome.unwrap_err().to_string(), "credential refused");
        let (tried, checks) = work();
        seen.push((handle.len(), asked - before, calls, tried - asked, checks));
    }
    assert!(seen.iter().all(|one| *one == seen[0]), "{seen:?}");
}

/// Eight digits prove no mailbox: whoever reads the mail of an unproven address follows a link, which ends what a stranger
/// made there (GHSA-qq9h-g4jm-xgf3).
#[test]
fn an_address_that_nobody_has_proven_is_sent_a_link() {
    let coded = Coded::of(Post::new());
    let handle = coded.handle(ANN, 1);
    let message = coded.post.messages().remove(0);
    assert!(matches!(message.notice, Notice::VerifyAddress(_)));
    assert!(rejected(coded.check(&handle, "00000000", 1)));
    let raised = block_on(coded.post.links.verify(&token_of(&message).unwrap(), None, None)).unwrap();
    assert!(raised.is_some(), "the password of before is gone");
    // The handle of before stays without a code, the next one has one.
    block_on(coded.codes.ask_again(&handle, Some(address(2)))).unwrap();
    assert!(coded.post.messages().is_empty());
    let (handle, code) = coded.asked();
    assert!(coded.check(&handle, &code, 1).is_ok());
}

/// Single use, ten minutes, the newest one, in the browser that asked.
#[test]
fn a_mailed_code_works_once_beside_its_handle() {
    let coded = Coded::unthrottled();
    let (handle, old) = coded.asked();
    block_on(coded.codes.ask_again(&handle, Some(address(1)))).unwrap();
    let code = coded.received();
    assert!(old == code || rejected(coded.check(&handle, &old, 1)));
    // A stranger who asks for Ann's code has another handle, and hers works on.
    let theirs = coded.handle(ANN, 2);
    let _ = coded.received();
    assert!(rejected(coded.check(&theirs, &code, 2)));
    assert!(coded.check(&handle, &code, 1).is_ok());
    assert!(rejected(coded.check(&handle, &code, 1)));

    let (handle, code) = coded.asked();
    coded.post.app.clock.step(MailCodes::LIFE);
    assert!(rejected(coded.check(&handle, &code, 1)));
    assert_eq!(coded.post.app.reasons().last(), Some(&RejectionReason::Expired));
    assert_eq!(reason(block_on(coded.codes.ask_again(&handle, None))), "expired");
}

#[test]
fn of_32_tries_of_one_mailed_code_at_once_one_succeeds() {
    let coded = Coded::unthrottled();
    let ((handle, code), barrier) = (coded.asked(), Barrier::new(32));
    let passed: usize = thread::scope(|scope| {
        let tries: Vec<_> = (0..32)
            .map(|n| {
                let (coded, handle, code, barrier) = (&coded, &handle, &code, &barrier);
                scope.spawn(move || {
                    barrier.wait();
                    usize::from(coded.check(handle, code, n).is_ok())
                })
            })
            .collect();
        tries.into_iter().map(|one| one.join().unwrap()).sum()
    });
    assert_eq!(passed, 1);
}

/// A stranger can ask for codes and guess. Five tries a code, whatever is sent again, and a
/// hundred in a row; then a link that sets a password proves the address anew, which nobody guesses.
#[test]
fn guessing_at_mailed_codes_ends_and_locks_nobody_out_of_a_reset() {
    let coded = Coded::unthrottled();
    let (handle, code) = coded.asked();
    for _ in 0..5 {
        assert!(rejected(coded.check(&handle, other_than(&code), 1)));
    }
    block_on(coded.codes.ask_again(&handle, Some(address(1)))).unwrap();
    assert!(rejected(coded.check(&handle, &coded.received(), 1)), "no new tries");
    let (handle, code) = coded.asked();
    assert_eq!(coded.failures(), 5);
    assert!(coded.check(&handle, &code, 1).is_ok());
    assert_eq!(coded.failures(), 0);

    let key = CredentialKey::only(&coded.post.app.id(ANN), CredentialKind::MAILBOX);
    for _ in 0..MailCodes::MAX_FAILURES {
        block_on(coded.post.app.store.inner.count_failure(&key)).unwrap();
    }
    let (handle, code) = coded.asked();
    assert!(rejected(coded.check(&handle, &code, 1)));
    assert_eq!(coded.post.app.reasons().last(), Some(&RejectionReason::Locked));
    assert!(coded.post.app.log_in(ANN, PASSWORD).is_ok(), "the password is another matter");
    let token = coded.post.reset_token();
    let _ = block_on(coded.post.links.reset(&token, password(PASSWORD), None)).unwrap();
    let _ = coded.post.messages();
    let (handle, code) = coded.asked();
    assert!(coded.check(&handle, &code, 1).is_ok());
}

/// Mail is read by somebody and paid by somebody.
#[test]
fn few_codes_are_sent_and_the_answer_stays_the_same() {
    let coded = Coded::new();
    let mut sent = 0;
    for n in 0..40 {
        if let Ok(handle) = block_on(coded.codes.ask(ANN, Some(address(n)))) {
            assert!(!handle.expose().is_empty());
        }
        sent += coded.post.messages().len();
        coded.post.app.clock.step(Duration::from_secs(1));
    }
    assert_eq!(sent, MailCodes::MAX_SENT as usize);
    // A link has messages of its own: whoever is flooded still gets one.
    let asked = (0..17).any(|_| {
        coded.post.app.clock.step(Duration::from_secs(1));
        block_on(coded.post.links.ask_to_reset(ANN, Some(address(90_000)))).is_ok()
    });
    assert!(asked && coded.post.works(LinkPurpose::ResetPassword, &coded.post.token()));
    let error = (0..20).find_map(|_| block_on(coded.codes.ask(ANN, Some(address(1)))).err()).unwrap();
    assert_eq!(Refusal::from(error).status(), 429);
}

#[test]
fn guessing_at_mailed_codes_is_throttled() {
    let coded = Coded::new();
    let (handle, code) = coded.asked();
    for _ in 0..5 {
        assert!(rejected(coded.check(&handle, other_than(&code), 1)));
    }
    let outcome = coded.check(&handle, &code, 1);
    assert!(matches!(outcome, Err(AuthenticateError::Throttled(_))));
}

/// Whoever asks for a code of somebody else's address has five guesses with it, and not the hundred that lock it.
#[test]
fn a_handle_without_tries_counts_against_nobody() {
    let coded = Coded::unthrottled();
    let handle = coded.handle(ANN, 2);
    let _ = coded.received();
    for _ in 0..2 * MailCodes::MAX_FAILURES {
        assert!(rejected(coded.check(&handle, "00000000", 2)));
    }
    assert_eq!(coded.failures(), 5);
    let (handle, code) = coded.asked();
    assert!(coded.check(&handle, &code, 1).is_ok());
}

/// Handles that somebody makes up are held against their source, and slow nobody else.
#[test]
fn handles_that_are_made_up_slow_their_source_only() {
    let coded = Coded::new();
    let (handle, code) = coded.asked();
    let outcomes: Vec<_> = (0..1_500).map(|n| coded.check(&format!("junk{n}"), "00000000", 7)).collect();
    assert_eq!(outcomes.iter().filter(|one| matches!(one, Err(AuthenticateError::Rejected(_)))).count(), 100);
    let last = outcomes.into_iter().next_back().unwrap();
    assert_eq!(Refusal::from(last.unwrap_err()).status(), 429);
    // From as many places as it takes, in every second of the cycle.
    for n in 0..2_000 {
        assert!(rejected(coded.check("junk", "00000000", 1_000 + n)));
    }
    for second in 0..Throttle::SOFT_CYCLE {
        coded.post.app.clock.step(Duration::from_secs(1));
        let from = 10 + u32::try_from(second).unwrap();
        if second == 0 {
            assert!(coded.check(&handle, &code, from).is_ok());
        } else {
            assert!(rejected(coded.check(&handle, &code, from)), "used up, and not slowed");
        }
    }
}

/// What happened to the account since ends the code.
#[test]
fn a_mailed_code_does_not_survive_what_happens_to_the_account() {
    let coded = Coded::unthrottled();
    let (handle, code) = coded.asked();
    coded.post.bump();
    assert!(rejected(coded.check(&handle, &code, 1)));
    assert_eq!(coded.post.app.reasons().last(), Some(&RejectionReason::Revoked));
    let (handle, code) = coded.asked();
    coded.post.app.change(ANN, AccountChange::Status(AccountStatus::Disabled));
    assert!(rejected(coded.check(&handle, &code, 1)));
    assert_eq!(coded.post.app.reasons().last(), Some(&RejectionReason::Disabled));
}

/// Asking for nobody, and trying what was never sent, must not fill the store of tokens.
#[test]
fn codes_for_nobody_leave_a_bounded_number_of_rows() {
    let coded = Coded::unthrottled();
    for n in 0..3_000 {
        let handle = coded.handle(&format!("nobody{n}@example.com"), n);
        for _ in 0..2 {
            assert!(rejected(coded.check(&handle, "00000000", n)));
        }
    }
    // A thousand fit.
    let (handle, code) = coded.asked();
    assert!(coded.check(&handle, &code, 1).is_ok());
}

#[test]
fn what_fails_sends_nothing_and_lets_nobody_in() {
    let coded = Coded::new();
    let (handle, code) = coded.asked();
    coded.post.tokens.inner.fail_with(Some(FailWith::Timeout));
    assert_eq!(reason(block_on(coded.codes.ask(ANN, Some(address(2))))), "unavailable");
    let error = coded.check(&handle, &code, 1).unwrap_err();
    assert_eq!(Refusal::from(error).status(), 503);
    coded.post.tokens.inner.fail_with(None);
    for bad in ["", "x", &"A".repeat(900), &"A".repeat(1 << 20)] {
        assert!(rejected(coded.check(bad, &code, 1)));
    }
    assert!(rejected(coded.check(&handle, &"1".repeat(1 << 20), 1)));
    assert!(coded.check(&handle, &code, 1).is_ok());
}

/// A code in a log is as good as the mailbox.
#[test]
fn no_mailed_code_is_printed() {
    let coded = Coded::new();
    let handle = block_on(coded.codes.ask(ANN, None)).unwrap();
    let messages = coded.post.messages();
    let code = messages[0].notice.code().unwrap().expose();
    let credential = MailCodeCredential::new(handle.expose().to_owned(), code.to_owned(), None);
    let shown = format!(
        "{messages:?} {handle:?} {credential:?} {:?} {:?}",
        coded.codes,
        coded.post.app.audit.events()
    );
    assert!(!shown.contains(code) && !shown.contains(handle.expose()) && !shown.contains(ANN), "{shown}");
}

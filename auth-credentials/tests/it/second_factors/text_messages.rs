//! Codes by text message.

use std::{
    sync::{Arc, Barrier},
    thread,
    time::Duration,
};

use auth_core::{
    Assurance, AuthEpoch, AuthenticateError, Authenticated, Authentication, Authenticator, CredentialKey,
    CredentialKind, CredentialStore, FactorPassed, KeyName, KeyRing, LoginOutcome, MemoryTokens, Method,
    Page, PendingLogin, Refusal, RejectionReason, SystemEntropy, testing::block_on,
};
use auth_credentials::{CodeCredential, Confirmed, MemoryNotifier, Notice, SecondFactorError, SecondFactors};

use super::rejected;
use crate::support::{
    address,
    app::{NEXT, PASSWORD},
    counters::TestCounters,
    factors::Site,
    password,
};

const NUMBER: &str = "+49 170 1234567";
const PLAIN: &str = "+491701234567";

/// A site that sends text messages.
#[derive(Clone)]
struct Sender {
    site: Site,
    factors: SecondFactors,
    notifier: Arc<MemoryNotifier>,
}

impl Sender {
    fn new(site: Site) -> Self {
        let notifier = Arc::new(MemoryNotifier::default());
        let counters = Arc::<TestCounters>::clone(&site.app.counters);
        let (tokens, queue) = (Arc::new(MemoryTokens::new(1_000)), Arc::<MemoryNotifier>::clone(&notifier));
        let factors = site.factors.clone().with_restricted_text_messages(tokens, queue, counters);
        Self { site, factors, notifier }
    }

    /// The code of the one message that was sent.
    fn received(&self) -> String {
        let messages = self.notifier.take();
        assert!(messages.len() == 1 && messages[0].to.as_str() == PLAIN, "{messages:?}");
        messages[0].notice.code().unwrap().expose().to_owned()
    }

    fn enrol(&self) -> Confirmed {
        let who = self.site.request();
        block_on(self.factors.begin_phone(&who, NUMBER, Some(address(1)))).unwrap();
        block_on(self.factors.confirm_phone(&who, &self.received())).unwrap()
    }

    /// A code for a login that waits for it. The limit of sending is another test's.
    fn code(&self, pending: &PendingLogin) -> String {
        self.site.app.clock.step(Duration::from_secs(1));
        let from = Some(address(u32::try_from(self.site.now().as_secs() % 100_000).unwrap()));
        block_on(self.factors.send_code(pending, from)).unwrap();
        self.received()
    }

    fn check(
        &self,
        pending: &PendingLogin,
        typed: &str,
        from: u32,
    ) -> Result<FactorPassed, AuthenticateError> {
        let code = CodeCredential::text_message(pending, typed.to_owned(), Some(address(from)));
        block_on(self.factors.authenticate(code))
    }

    fn failures(&self) -> u32 {
        let key = CredentialKey::only(&self.site.app.id("ann"), CredentialKind::PHONE);
        block_on(self.site.app.store.inner.find(&key)).unwrap().unwrap().credential.failures
    }
}

fn other_than(code: &str) -> &'static str {
    if code == "000000" { "000001" } else { "000000" }
}

/// NIST SP 800-63B-4 section 3.2.9: restricted, so nobody has it who does not ask for it.
#[test]
fn text_messages_are_sent_where_that_was_asked_for() {
    let site = Site::new();
    let who = site.request();
    let begun = block_on(site.factors.begin_phone(&who, NUMBER, None));
    assert!(matches!(begun, Err(SecondFactorError::Refused(AuthenticateError::Rejected(_)))));
    let sender = Sender::new(site);
    let confirmed = sender.enrol();
    assert_eq!(confirmed.recovery_codes.iter().count(), 10);
    let pending = sender.site.pending();
    assert_eq!(pending.missing(), [Method::SMS, Method::RECOVERY_CODE]);
    // An application that no longer sends any lets nobody in for it.
    assert!(rejected(block_on(sender.site.factors.send_code(&pending, None))));
    let code = CodeCredential::text_message(&pending, sender.code(&pending), None);
    assert!(rejected(block_on(sender.site.factors.authenticate(code))));
}

#[test]
fn a_password_and_a_code_that_was_sent_make_a_login_of_two_factors() {
    let sender = Sender::new(Site::new());
    let _ = sender.enrol();
    let pending = sender.site.pending();
    let code = sender.code(&pending);
    assert_eq!(code.len(), 6);
    assert!(rejected(sender.check(&pending, other_than(&code), 1)));
    let factor = sender.check(&pending, &format!(" {}-{} ", &code[..3], &code[3..]), 1).unwrap();
    let LoginOutcome::Complete(login) =
        block_on(sender.site.accounts.proceed(pending, factor, None)).unwrap()
    else {
        panic!("two factors are enough")
    };
    assert_eq!(login.authentication().methods, [Method::PASSWORD, Method::SMS]);
    assert_eq!(login.authentication().assurance, Assurance::Aal2);
    assert_eq!(sender.failures(), 0);
    assert!(sender.site.app.audit.has("code.sent"));
}

/// Single use, ten minutes, the newest, for this login and no other.
#[test]
fn a_code_is_for_one_login_once_and_the_newest() {
    let sender = Sender::new(Site::unthrottled());
    let _ = sender.enrol();
    let pending = sender.site.pending();
    let old = sender.code(&pending);
    let code = loop {
        let code = sender.code(&pending);
        if code != old {
            break code;
        }
    };
    assert!(rejected(sender.check(&pending, &old, 1)), "a newer one was sent");
    // Another login of the same account has not asked for it.
    let other = sender.site.pending();
    assert!(rejected(sender.check(&other, &code, 1)));
    assert!(sender.check(&pending, &code, 1).is_ok());
    assert!(rejected(sender.check(&pending, &code, 1)), "once");

    let pending = sender.site.pending();
    let code = sender.code(&pending);
    sender.site.app.clock.step(Duration::from_secs(600));
    assert!(rejected(sender.check(&pending, &code, 1)));
    assert_eq!(sender.site.app.reasons().last(), Some(&RejectionReason::Expired));
}

#[test]
fn of_32_tries_of_one_sent_code_at_once_one_succeeds() {
    let sender = Sender::new(Site::unthrottled());
    let _ = sender.enrol();
    let pending = sender.site.pending();
    let (code, barrier) = (sender.code(&pending), Barrier::new(32));
    let passed: usize = thread::scope(|scope| {
        let tries: Vec<_> = (0..32)
            .map(|n| {
                let (sender, pending, code, barrier) = (&sender, &pending, &code, &barrier);
                scope.spawn(move || {
                    barrier.wait();
                    usize::from(sender.check(pending, code, n).is_ok())
                })
            })
            .collect();
        tries.into_iter().map(|one| one.join().unwrap()).sum()
    });
    assert_eq!(passed, 1);
}

/// Five tries for a login, counted before anything is looked up. Another code brings no
/// new ones, and another login none beyond a hundred in a row.
#[test]
fn tries_at_a_sent_code_are_few_and_a_new_code_brings_none() {
    let sender = Sender::new(Site::unthrottled());
    let _ = sender.enrol();
    let pending = sender.site.pending();
    let (code, barrier) = (sender.code(&pending), Barrier::new(16));
    thread::scope(|scope| {
        for n in 0..16 {
            let (sender, pending, code, barrier) = (&sender, &pending, &code, &barrier);
            scope.spawn(move || {
                barrier.wait();
                assert!(rejected(sender.check(pending, other_than(code), n)));
            });
        }
    });
    let count = |reason| sender.site.app.reasons().iter().filter(|one| **one == reason).count();
    assert_eq!((count(RejectionReason::Mismatch), count(RejectionReason::Locked)), (5, 11));
    let code = sender.code(&pending);
    assert!(rejected(sender.check(&pending, &code, 1)));

    // A new login has tries of its own, and the telephone counts on.
    assert_eq!(sender.failures(), 17);
    let pending = sender.site.pending();
    let code = sender.code(&pending);
    assert!(sender.check(&pending, &code, 1).is_ok());
    assert_eq!(sender.failures(), 0);
    let key = CredentialKey::only(&sender.site.app.id("ann"), CredentialKind::PHONE);
    for _ in 0..SecondFactors::MAX_FAILURES {
        block_on(sender.site.app.store.inner.count_failure(&key)).unwrap();
    }
    let pending = sender.site.pending();
    let code = sender.code(&pending);
    assert!(rejected(sender.check(&pending, &code, 1)));
    assert_eq!(sender.site.app.reasons().last(), Some(&RejectionReason::Locked));
}

/// A message costs money, whoever knows the password.
#[test]
fn messages_are_few_for_an_account_and_a_source() {
    let sender = Sender::new(Site::new());
    let _ = sender.enrol();
    let send = |from| block_on(sender.factors.send_code(&sender.site.pending(), Some(address(from))));
    let mut sent = 0;
    let error = loop {
        match send(7) {
            Ok(()) => sent += 1,
            Err(error) => break error,
        }
    };
    assert_eq!((sent, Refusal::from(error).status()), (3, 429));
    // From everywhere, over days: so many in each, and none while it waits.
    let mut all = 0;
    for n in 0..2_000 {
        sender.site.app.clock.step(Duration::from_secs(60));
        all += u32::from(send(1_000 + n).is_ok());
    }
    // What was counted in the last eighth of a day may still be there.
    assert!((10..=2 * SecondFactors::MAX_TEXT_MESSAGES_TO_NUMBER).contains(&all), "{all}");
    assert!(sender.site.app.audit.has("throttled"));
}

/// Whoever makes many accounts has no more of them sent to one number, and keeps nobody from logging in with theirs.
#[test]
fn messages_are_few_for_a_number() {
    let sender = Sender::new(Site::new());
    let mut from = 1;
    let mut begin = |number: &str| {
        // Slowly enough for every other limit.
        from += 1;
        sender.site.app.clock.step(Duration::from_secs(300));
        block_on(sender.factors.begin_phone(&sender.site.request(), number, Some(address(from))))
    };
    for n in 0..3 {
        assert!(begin(&format!("+3312345670{n}")).is_ok());
    }
    for _ in 0..10 {
        let _ = sender.notifier.take();
        assert!(begin(NUMBER).is_ok());
    }
    assert_eq!(Refusal::from(begin(NUMBER).unwrap_err()).status(), 429);
    let _ = block_on(sender.factors.confirm_phone(&sender.site.request(), &sender.received())).unwrap();
    assert!(block_on(sender.factors.send_code(&sender.site.pending(), Some(address(1)))).is_ok());
}

#[test]
fn a_realm_has_so_many_messages_a_day() {
    let sender = Sender::new(Site::new());
    let factors = sender.factors.clone().with_text_messages_a_day(3);
    let mut from = 1;
    let mut begin = || {
        from += 1;
        sender.site.app.clock.step(Duration::from_secs(300));
        let number = format!("+331234567{from:02}");
        block_on(factors.begin_phone(&sender.site.request(), &number, Some(address(from))))
    };
    assert_eq!((0..3).filter(|_| begin().is_ok()).count(), 3);
    assert_eq!(Refusal::from(begin().unwrap_err()).status(), 429);
    sender.site.app.clock.step(Duration::from_secs(2 * 86_400));
    assert!(begin().is_ok());
}

/// Accounts cost nothing, so strangers could begin enrolments until nobody gets a code: those who have a telephone still
/// log in with it, and a day is a day for both.
#[test]
fn enrolments_take_no_message_from_logins() {
    let mut sender = Sender::new(Site::new());
    sender.factors = sender.factors.with_text_messages_a_day(3);
    let _ = sender.enrol();
    let begin = |n: u32| {
        let login = Authentication::new(
            sender.site.app.id("mallory"),
            Method::PASSWORD,
            sender.site.now(),
            AuthEpoch::ZERO,
        );
        let who = Authenticated::assertion(login);
        block_on(sender.factors.begin_phone(&who, &format!("+331234567{n:02}"), Some(address(n))))
    };
    sender.site.app.sign_up("mallory", PASSWORD);
    assert_eq!((10..13).filter(|n| begin(*n).is_ok()).count(), 2, "what Ann's enrolment left");
    let _ = sender.notifier.take();
    for n in 1..=3 {
        let pending = sender.site.pending();
        block_on(sender.factors.send_code(&pending, Some(address(20 + n)))).unwrap();
        assert!(sender.check(&pending, &sender.received(), 1).is_ok());
    }
    // Past the limits of a quarter of an hour.
    sender.site.app.clock.step(Duration::from_secs(1_800));
    let error = block_on(sender.factors.send_code(&sender.site.pending(), Some(address(30)))).unwrap_err();
    assert_eq!(Refusal::from(error).status(), 429);
}

/// Whoever has many numbers, or finds one after the other, costs no more than this: here no number is named twice.
#[test]
fn messages_are_few_for_an_account_whatever_numbers_it_names() {
    let sender = Sender::new(Site::new());
    let mut from = 10;
    let mut begin = || {
        from += 1;
        // Slowly enough for the limits of a quarter of an hour: all of it within a day.
        sender.site.app.clock.step(Duration::from_secs(300));
        let number = format!("+331234567{from:02}");
        block_on(sender.factors.begin_phone(&sender.site.request(), &number, Some(address(from))))
    };
    let most = SecondFactors::MAX_TEXT_MESSAGES;
    assert_eq!((0..most + 5).filter(|_| begin().is_ok()).count(), most as usize);
    assert_eq!(Refusal::from(begin().unwrap_err()).status(), 429);
}

/// A number is enrolled by whoever has it in their hands, by a login of the last ten minutes.
#[test]
fn a_telephone_counts_from_its_first_code_on() {
    let sender = Sender::new(Site::new());
    let who = sender.site.request();
    for bad in ["0170 1234567", "", "+49"] {
        let error = block_on(sender.factors.begin_phone(&who, bad, None)).unwrap_err();
        assert!(matches!(error, SecondFactorError::Phone(_)));
        assert_eq!(Refusal::from(error).status(), 400);
    }
    assert!(block_on(sender.factors.confirm_phone(&who, "123456")).is_err(), "nothing was begun");
    block_on(sender.factors.begin_phone(&who, NUMBER, Some(address(1)))).unwrap();
    let code = sender.received();
    let _ = sender.site.request();
    for _ in 0..5 {
        assert!(block_on(sender.factors.confirm_phone(&who, other_than(&code))).is_err());
    }
    assert!(block_on(sender.factors.confirm_phone(&who, &code)).is_err(), "five tries");
    // A code of one number does not confirm another.
    block_on(sender.factors.begin_phone(&who, NUMBER, Some(address(2)))).unwrap();
    let code = sender.received();
    block_on(sender.factors.begin_phone(&who, "+33123456789", Some(address(3)))).unwrap();
    let _ = sender.notifier.take();
    assert!(block_on(sender.factors.confirm_phone(&who, &code)).is_err());
    let late = who.clone();
    sender.site.app.clock.step(Duration::from_secs(601));
    let error = block_on(sender.factors.begin_phone(&late, NUMBER, None)).unwrap_err();
    assert!(matches!(error, SecondFactorError::Challenged(_)));
    let confirmed = sender.enrol();
    assert!(confirmed.raised.epoch() > who.authentication().epoch, "other sessions are dead");
}

/// Counters that are shared with others take no tries away, so those of an enrolment are counted in its row.
#[test]
fn tries_at_an_enrolment_are_few_where_counters_are_not_exact() {
    let sender = Sender::new(Site::new());
    let who = sender.site.request();
    block_on(sender.factors.begin_phone(&who, NUMBER, Some(address(1)))).unwrap();
    let code = sender.received();
    sender.site.app.counters.fold();
    for _ in 0..5 {
        assert!(block_on(sender.factors.confirm_phone(&who, other_than(&code))).is_err());
    }
    let error = block_on(sender.factors.confirm_phone(&who, &code)).unwrap_err();
    assert_eq!(Refusal::from(error).status(), 401, "five tries");
    block_on(sender.factors.begin_phone(&who, NUMBER, Some(address(2)))).unwrap();
    assert!(block_on(sender.factors.confirm_phone(&who, &sender.received())).is_ok());
}

/// No row tells the number, and none of what is kept tells a code.
#[test]
fn neither_number_nor_code_is_stored_or_printed() {
    let sender = Sender::new(Site::new());
    let _ = sender.enrol();
    let pending = sender.site.pending();
    block_on(sender.factors.send_code(&pending, None)).unwrap();
    let messages = sender.notifier.take();
    assert!(matches!(messages[0].notice, Notice::SecondFactorCode(_)));
    let code = messages[0].notice.code().unwrap().expose();
    let credential = CodeCredential::text_message(&pending, code.to_owned(), None);
    let shown =
        format!("{messages:?} {credential:?} {:?} {:?}", sender.factors, sender.site.app.audit.events());
    assert!(!shown.contains(code) && !shown.contains(&PLAIN[1..]), "{shown}");
    let rows = block_on(sender.site.app.store.inner.list(&sender.site.app.id("ann"), Page::first())).unwrap();
    for row in rows {
        let data = row.data.expose();
        assert!(!data.windows(6).any(|part| part == &PLAIN.as_bytes()[..6]), "{:?}", row.key.kind);
    }
    // Another ring opens nothing and finds no code.
    let keys = Arc::new(KeyRing::generate(KeyName::parse("other").unwrap(), &SystemEntropy).unwrap());
    let counters = || Arc::<TestCounters>::clone(&sender.site.app.counters);
    let other = Site::factors(&sender.site.app, &sender.site.accounts, keys);
    let tokens = Arc::new(MemoryTokens::new(10));
    let other = other.with_restricted_text_messages(tokens, Arc::new(MemoryNotifier::default()), counters());
    assert!(rejected(block_on(other.send_code(&pending, Some(address(4))))));
}

/// Whoever gives the telephone up, gives up a password that is too short without it.
#[test]
fn removing_leaves_no_telephone() {
    let sender = Sender::new(Site::new());
    let _ = sender.enrol();
    let pending = sender.site.pending();
    let factor = sender.check(&pending, &sender.code(&pending), 1).unwrap();
    let LoginOutcome::Complete(login) =
        block_on(sender.site.accounts.proceed(pending, factor, None)).unwrap()
    else {
        panic!("two factors are enough")
    };
    let who = Authenticated::assertion(login.into_authentication());
    let _ = block_on(sender.factors.renew_recovery_codes(&who)).unwrap();
    let short = "otter 74";

    let changed =
        block_on(sender.site.accounts.change_password(&who, password(PASSWORD), password(short), None));
    let epoch = changed.unwrap().epoch();
    let mut authentication = who.authentication().clone();
    authentication.epoch = epoch;
    let who = Authenticated::assertion(authentication);
    let remove = |new: Option<&str>| {
        block_on(sender.factors.remove(&who, password(short), new.map(password), Some(address(1))))
    };
    assert!(matches!(remove(None), Err(SecondFactorError::Policy(_))));
    let _ = remove(Some(NEXT)).unwrap();
    assert!(block_on(sender.site.accounts.enrolled(who.principal())).unwrap().is_empty());
    assert!(sender.site.app.log_in("ann", NEXT).is_ok());
}

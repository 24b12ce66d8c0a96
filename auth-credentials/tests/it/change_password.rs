//! Changing a password, and what it ends.

use std::{sync::Barrier, thread, time::Duration};

use auth_core::{
    AccountChange, AccountStatus, AccountStore, AuthEpoch, AuthenticateError, Authenticated, Authentication,
    Inserted, KeyName, KeyRing, Limits, Login, MemorySessions, Method, Page, Refusal, RejectionReason,
    Scopes, SessionId, SessionStore, SystemEntropy, UnixTime,
    testing::{FailWith, FailingStore, block_on},
};
use auth_credentials::{AccountError, ChangePasswordError, EpochRaised, PolicyError};

use crate::support::{
    address,
    app::{App, NEXT, PASSWORD},
    password, session,
};

struct Site {
    app: App,
    sessions: FailingStore<MemorySessions>,
    keys: KeyRing,
}

impl Site {
    fn new() -> Self {
        let keys = KeyRing::generate(KeyName::parse("test").unwrap(), &SystemEntropy).unwrap();
        let site = Self { app: App::new(), sessions: FailingStore::new(MemorySessions::new(1_000)), keys };
        site.app.sign_up("ann", PASSWORD);
        site
    }

    /// A session with this login, or what the store says instead.
    fn start(&self, login: Login) -> Result<SessionId, Inserted> {
        let now = self.now();
        let record = session(login.into_authentication(), &self.keys, now);
        match block_on(self.sessions.insert(&record, None, now)).unwrap() {
            Inserted::Stored { .. } => Ok(record.id),
            other => Err(other),
        }
    }

    fn log_in(&self, password: &str) -> SessionId {
        self.start(self.app.log_in("ann", password).unwrap()).unwrap()
    }

    fn request(&self, session: &SessionId) -> Option<Authenticated> {
        let record = block_on(self.sessions.load(session, self.now())).unwrap()?;
        record.authentication.map(Authenticated::shared_assertion)
    }

    fn change(
        &self,
        who: &Authenticated,
        current: &str,
        new: &str,
    ) -> Result<EpochRaised, ChangePasswordError> {
        block_on(self.app.accounts.change_password(who, password(current), password(new), Some(address(1))))
    }

    fn sweep(&self, raised: &EpochRaised, except: Option<&SessionId>) -> u64 {
        block_on(self.app.accounts.finish_sweep(raised, &self.sessions, &self.keys, except)).unwrap()
    }

    fn now(&self) -> UnixTime {
        auth_core::Clock::now(&self.app.clock)
    }
}

fn reason(outcome: Result<EpochRaised, ChangePasswordError>) -> &'static str {
    match outcome {
        Err(ChangePasswordError::Refused(AuthenticateError::Rejected(rejection))) => {
            rejection.reason().as_str()
        }
        Err(ChangePasswordError::Refused(AuthenticateError::Throttled(_))) => "throttled",
        Err(ChangePasswordError::Policy(_)) => "policy",
        other => panic!("{other:?}"),
    }
}

/// The other sessions end, this one lives on (ASVS 3.3.3, devise#3632).
#[test]
fn a_changed_password_ends_every_session_but_the_requests_own() {
    let site = Site::new();
    let (here, elsewhere) = (site.log_in(PASSWORD), site.log_in(PASSWORD));
    let raised = site.change(&site.request(&here).unwrap(), PASSWORD, NEXT).unwrap();
    assert_eq!(raised.epoch(), AuthEpoch::new(1));
    assert!(site.app.account("ann").sweep_pending);
    assert_eq!(site.sweep(&raised, Some(&here)), 1);
    assert!(!site.app.account("ann").sweep_pending);

    assert!(site.request(&elsewhere).is_none());
    let request = site.request(&here).unwrap();
    assert_eq!(request.authentication().epoch, raised.epoch());
    // The request's session can go on to change it again.
    assert!(site.change(&request, NEXT, PASSWORD).is_ok());
    assert!(site.app.log_in("ann", NEXT).is_err());
    assert!(site.app.log_in("ann", PASSWORD).is_ok());
    assert!(site.app.audit.has("credential.changed") && site.app.audit.has("sessions.ended"));
}

/// A login that was checked against the old password must not become a session after the change.
#[test]
fn a_login_under_way_does_not_survive_the_change() {
    let site = Site::new();
    let here = site.log_in(PASSWORD);
    let under_way = site.app.log_in("ann", PASSWORD).unwrap();
    let raised = site.change(&site.request(&here).unwrap(), PASSWORD, NEXT).unwrap();
    site.sweep(&raised, Some(&here));
    assert_eq!(site.start(under_way), Err(Inserted::Outdated));
}

/// A stolen session must not be enough to take the account over, nor a way to guess faster than at the door.
#[test]
fn the_current_password_is_asked_for_and_guessing_at_it_counts() {
    let site = Site::new();
    let request = site.app.request_of("ann", PASSWORD);
    for _ in 0..9 {
        assert_eq!(reason(site.change(&request, NEXT, NEXT)), "mismatch");
    }
    assert_eq!(site.app.credential("ann").failures, 9);
    assert_eq!(site.app.account("ann").epoch, AuthEpoch::ZERO);
    // One more than nine: the pair's ten are shared with the login form.
    assert!(site.app.log_in("ann", NEXT).is_err());
    assert_eq!(reason(site.change(&request, PASSWORD, NEXT)), "throttled");
    site.app.clock.step(Duration::from_secs(3_600));
    assert!(site.change(&request, PASSWORD, NEXT).is_ok());
}

/// A session that has ended may be in use until its epoch is checked again: not for this.
#[test]
fn a_request_of_an_older_epoch_changes_nothing() {
    let site = Site::new();
    let stale = site.app.request_of("ann", PASSWORD);
    let _ = block_on(site.app.accounts.log_out_everywhere(&site.app.id("ann"))).unwrap();
    let hashed = site.app.pool.stats().finished;
    assert_eq!(reason(site.change(&stale, PASSWORD, NEXT)), "revoked");
    // Nor does it tell whether a guess was right.
    assert_eq!(reason(site.change(&stale, NEXT, NEXT)), "revoked");
    assert_eq!(site.app.pool.stats().finished, hashed);
    assert!(site.app.log_in("ann", PASSWORD).is_ok());
}

/// The policy applies to the new password, and never locks out an old one.
#[test]
fn the_new_password_must_be_one_that_may_be_chosen() {
    let site = Site::new();
    let request = site.app.request_of("ann", PASSWORD);
    let hashed = site.app.pool.stats().finished;
    for bad in ["short", "passwordpassword", &"x".repeat(5_000)] {
        assert_eq!(reason(site.change(&request, PASSWORD, bad)), "policy");
    }
    assert_eq!(site.app.pool.stats().finished, hashed);
    let error = site.change(&request, PASSWORD, "short").unwrap_err();
    assert!(matches!(error, ChangePasswordError::Policy(PolicyError::TooShort { min: 15 })));
    assert_eq!(Refusal::from(error).status(), 400);
}

#[test]
fn an_account_that_is_disabled_or_gone_changes_nothing() {
    let site = Site::new();
    let request = site.app.request_of("ann", PASSWORD);
    site.app.change("ann", AccountChange::Status(AccountStatus::Disabled));
    assert_eq!(reason(site.change(&request, PASSWORD, NEXT)), "disabled");
    assert!(block_on(site.app.store.remove(request.principal())).unwrap());
    assert_eq!(reason(site.change(&request, PASSWORD, NEXT)), "unknown");
}

/// Two changes at once: one wins, the other is told that what it knew is no longer so.
#[test]
fn of_two_changes_at_once_one_wins() {
    let site = Site::new();
    let request = site.app.request_of("ann", PASSWORD);
    let barrier = Barrier::new(2);
    let new = [NEXT, "pebble choirs at dusk"];
    let won: Vec<bool> = thread::scope(|scope| {
        let change = |new: &'static str| {
            let (site, request, barrier) = (&site, &request, &barrier);
            scope.spawn(move || {
                barrier.wait();
                site.change(request, PASSWORD, new).is_ok()
            })
        };
        new.map(change).into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(won.iter().filter(|won| **won).count(), 1);
    assert_eq!(site.app.account("ann").epoch, AuthEpoch::new(1));
    for (won, new) in won.iter().zip(new) {
        assert_eq!(site.app.log_in("ann", new).is_ok(), *won);
    }
}

/// The same between the check and the change, step by step.
#[test]
fn a_password_that_was_changed_since_it_was_checked_stays_changed() {
    let site = Site::new();
    let request = site.app.request_of("ann", PASSWORD);
    let other = site.app.clone();
    site.app.store.before("apply", move || {
        let (id, new) = (other.id("ann"), password("pebble choirs at dusk"));
        let _ = block_on(other.accounts.set_password(&id, new, None)).unwrap();
    });
    assert_eq!(reason(site.change(&request, PASSWORD, NEXT)), "revoked");
    assert!(site.app.log_in("ann", "pebble choirs at dusk").is_ok());
}

/// Whoever acts for somebody, or within limits, does not change how they log in, even with the password.
#[test]
fn neither_a_program_nor_an_impersonator_changes_the_password() {
    let site = Site::new();
    let login = site.app.request_of("ann", PASSWORD).authentication().clone();
    let (id, at) = (site.app.id("ann"), login.at);
    let key = Authentication::new(id.clone(), Method::API_KEY, at, login.epoch);
    let scopes = Limits::unlimited().with_scopes(Scopes::parse("all").unwrap());
    for other in [key, login.clone().with_actor(id), login.clone().with_limits(scopes)] {
        assert_eq!(reason(site.change(&Authenticated::assertion(other), PASSWORD, NEXT)), "policy");
        assert_eq!(site.app.reasons().last(), Some(&RejectionReason::Policy));
    }
    assert!(site.change(&Authenticated::assertion(login), PASSWORD, NEXT).is_ok());
}

/// Something else of the account may change meanwhile; that is no reason to refuse.
#[test]
fn another_change_of_the_account_does_not_get_in_the_way() {
    let site = Site::new();
    let request = site.app.request_of("ann", PASSWORD);
    let other = site.app.clone();
    site.app.store.before("apply", move || {
        other.change("ann", AccountChange::SweepDone);
    });
    assert!(site.change(&request, PASSWORD, NEXT).is_ok());
    assert!(site.app.log_in("ann", NEXT).is_ok());
}

/// Everything was logged out while the password was being checked: the request's own session as well, so it
/// changes nothing any more.
#[test]
fn an_epoch_that_is_raised_before_the_change_refuses_it() {
    let site = Site::new();
    let request = site.app.request_of("ann", PASSWORD);
    let other = site.app.clone();
    site.app.store.before("apply", move || {
        let _ = block_on(other.accounts.log_out_everywhere(&other.id("ann"))).unwrap();
    });
    assert_eq!(reason(site.change(&request, PASSWORD, NEXT)), "revoked");
    assert!(site.app.log_in("ann", PASSWORD).is_ok());
}

/// The same after a conflict that was none of its concern, between looking at the password again and at the
/// account: the account is what the next try is held to, so its epoch is what counts.
#[test]
fn an_epoch_that_is_raised_after_a_conflict_refuses_the_change() {
    let site = Site::new();
    let request = site.app.request_of("ann", PASSWORD);
    let other = site.app.clone();
    site.app.store.before("apply", move || {
        other.change("ann", AccountChange::SweepDone);
        let last = other.clone();
        other.store.before("by_id", move || {
            let _ = block_on(last.accounts.log_out_everywhere(&last.id("ann"))).unwrap();
        });
    });
    assert_eq!(reason(site.change(&request, PASSWORD, NEXT)), "revoked");
    assert_eq!(site.app.account("ann").epoch, AuthEpoch::new(1));
    assert!(site.app.log_in("ann", NEXT).is_err());
    assert!(site.app.log_in("ann", PASSWORD).is_ok());
}

/// A crash between the change and the sweep leaves sessions in the store; the account remembers.
#[test]
fn a_sweep_that_was_lost_is_made_good() {
    let site = Site::new();
    let sessions = [site.log_in(PASSWORD), site.log_in(PASSWORD)];
    let raised = site.change(&site.request(&sessions[0]).unwrap(), PASSWORD, NEXT).unwrap();
    drop(raised);
    assert_eq!(block_on(site.app.store.sweeps_pending(Page::first())).unwrap().len(), 1);

    let finish = || block_on(site.app.accounts.finish_sweeps(&site.sessions, &site.keys));
    site.sessions.fail_with(Some(FailWith::Timeout));
    assert!(finish().is_err());
    assert!(site.app.account("ann").sweep_pending, "a sweep that failed is still pending");
    site.sessions.fail_with(None);
    assert_eq!(finish().unwrap(), 2);
    assert!(sessions.iter().all(|session| site.request(session).is_none()));
    assert!(!site.app.account("ann").sweep_pending);
    assert_eq!(finish().unwrap(), 0);
}

/// The owner changed the password, and the sweep was lost; a thief whose session is still in use by its cached
/// epoch logs out "everywhere else".
#[test]
fn a_sweep_spares_no_session_of_before_the_last_change() {
    let site = Site::new();
    let (here, stolen) = (site.log_in(PASSWORD), site.log_in(PASSWORD));
    drop(site.change(&site.request(&here).unwrap(), PASSWORD, NEXT).unwrap());
    let fresh = site.log_in(NEXT);
    let raised = block_on(site.app.accounts.log_out_everywhere(&site.app.id("ann"))).unwrap();
    assert_eq!(site.sweep(&raised, Some(&stolen)), 3);
    assert!([here, stolen, fresh].iter().all(|session| site.request(session).is_none()));
}

/// Two raises in one request, or a button that is pressed twice: in their order, the sweeps keep who asked.
#[test]
fn sweeps_in_the_order_of_their_raises_spare_whoever_asked() {
    let site = Site::new();
    let (here, elsewhere, id) = (site.log_in(PASSWORD), site.log_in(PASSWORD), site.app.id("ann"));
    let raise = || block_on(site.app.accounts.log_out_everywhere(&id)).unwrap();
    let [first, second, third] = [raise(), raise(), raise()];
    assert_eq!(site.sweep(&first, Some(&here)), 1);
    assert_eq!(site.sweep(&first, Some(&here)), 0, "again");
    assert_eq!(site.sweep(&second, Some(&here)), 0);
    let request = site.request(&here).unwrap();
    assert_eq!(request.authentication().epoch, second.epoch());
    assert!(site.request(&elsewhere).is_none());
    // A sweep that is left out ends it, as one that comes too late.
    let fourth = raise();
    assert_eq!(site.sweep(&fourth, Some(&here)), 1);
    assert_eq!(site.sweep(&third, Some(&here)), 0);
    assert!(site.request(&here).is_none());
}

/// An older sweep must not declare a newer one done.
#[test]
fn a_sweep_of_an_older_epoch_leaves_the_newer_one_pending() {
    let site = Site::new();
    let id = site.app.id("ann");
    let first = block_on(site.app.accounts.log_out_everywhere(&id)).unwrap();
    let second = block_on(site.app.accounts.log_out_everywhere(&id)).unwrap();
    site.sweep(&first, None);
    assert!(site.app.account("ann").sweep_pending);
    block_on(site.app.accounts.sweep_done(&second)).unwrap();
    assert!(!site.app.account("ann").sweep_pending);
}

/// Between the look at the account and the note that the sweep is done, the epoch is raised again.
#[test]
fn an_epoch_that_is_raised_during_a_sweep_stays_pending() {
    let site = Site::new();
    let id = site.app.id("ann");
    let raised = block_on(site.app.accounts.log_out_everywhere(&id)).unwrap();
    let other = site.app.clone();
    site.app.store.before("apply", move || {
        let _ = block_on(other.accounts.log_out_everywhere(&other.id("ann"))).unwrap();
    });
    site.sweep(&raised, None);
    assert!(site.app.account("ann").sweep_pending);
    assert_eq!(block_on(site.app.accounts.finish_sweeps(&site.sessions, &site.keys)).unwrap(), 0);
    assert!(!site.app.account("ann").sweep_pending);
}

/// What was logged out does not come back; the others stay.
#[test]
fn logging_out_ends_one_session() {
    let site = Site::new();
    let (here, elsewhere) = (site.log_in(PASSWORD), site.log_in(PASSWORD));
    let log_out = || block_on(site.app.accounts.log_out(&site.sessions, &here)).unwrap();
    assert!(log_out());
    assert!(!log_out());
    assert!(site.request(&here).is_none() && site.request(&elsewhere).is_some());
    assert!(site.app.audit.has("session.ended"));
}

#[test]
fn a_removed_account_leaves_nothing_behind() {
    let site = Site::new();
    let (session, id) = (site.log_in(PASSWORD), site.app.id("ann"));
    let remove = || block_on(site.app.accounts.remove(&id, None, &site.sessions, &site.keys));
    assert!(remove().unwrap());
    assert!(site.request(&session).is_none());
    assert!(matches!(remove(), Err(AccountError::NoSuchAccount)));
    assert!(site.app.log_in("ann", PASSWORD).is_err());
    assert!(site.app.audit.has("account.removed"));
    // The login is free again, and the new account is another principal.
    site.app.sign_up("ann", NEXT);
    assert_ne!(site.app.id("ann"), id);
}

/// An administrator's reset: no current password, and everything of before is dead.
#[test]
fn a_password_that_is_set_ends_every_session() {
    let site = Site::new();
    let (session, id) = (site.log_in(PASSWORD), site.app.id("ann"));
    let raised = block_on(site.app.accounts.set_password(&id, password(NEXT), None)).unwrap();
    assert_eq!(site.sweep(&raised, None), 1);
    assert!(site.request(&session).is_none());
    assert!(site.app.log_in("ann", PASSWORD).is_err());
    assert!(site.app.log_in("ann", NEXT).is_ok());
}

/// An account without a password (made by another way in) can be given one.
#[test]
fn a_password_can_be_set_where_there_is_none() {
    let site = Site::new();
    let key = site.app.credential("ann").key;
    site.app.change("ann", AccountChange::RemoveCredential(key));
    let _ = block_on(site.app.accounts.set_password(&site.app.id("ann"), password(NEXT), None)).unwrap();
    assert!(site.app.log_in("ann", NEXT).is_ok());
}

//! Acting as somebody else.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use auth_core::{
    AccessRequest, Action, AuditEvent, AuthEpoch, DecideError, EpochSource, Limits, MemoryAudit, Page,
    Permission, Permit, PolicyVersion, PrincipalId, PrincipalKind, Privileges, Realm, Resource, ResourceKind,
    Scopes, SessionLimit, StoreError, WhenReached,
    testing::{authenticated_as, block_on},
};
use auth_session::{EpochCheck, ImpersonateError, Impersonation, Session, Target};

use crate::support::{ABSOLUTE, App, Browser, Cart, Failing, START, login, name_of, policy, user};

const USER: ResourceKind = ResourceKind::from_static("user");

/// Administrators cover everybody but each other.
struct Ranks;

impl Privileges for Ranks {
    fn covers(&self, holder: &PrincipalId, other: &PrincipalId) -> Result<bool, DecideError> {
        match other.id() {
            "nobody knows" => Err(DecideError::NoPolicy),
            other => Ok(holder.id().starts_with("admin") && !other.starts_with("admin")),
        }
    }
}

struct UsersImpersonate;

impl Permission for UsersImpersonate {
    const ACTION: Action = Action::from_static("users.impersonate");
    const RESOURCE: ResourceKind = USER;
}

impl Impersonation for UsersImpersonate {}

fn permit(who: &str, target: &str) -> Permit<UsersImpersonate> {
    permit_for(who, &Resource::one(USER, target).unwrap())
}

fn permit_for(who: &str, resource: &Resource) -> Permit<UsersImpersonate> {
    let (who, action) = (authenticated_as(&user(who), START), UsersImpersonate::ACTION);
    let request = AccessRequest::new(&who, &action, resource, START);
    Permit::assertion(&request, PolicyVersion::new(1), None).typed().unwrap()
}

fn impersonate(
    session: &mut Session,
    who: &str,
    target: &str,
) -> Result<auth_core::SessionId, ImpersonateError> {
    let principal = user(target);
    let target = Target { principal: &principal, epoch: AuthEpoch::ZERO };
    block_on(session.impersonate(permit(who, principal.id()), target, &Ranks))
}

fn acting(app: &App) -> (Browser, Browser) {
    let mut browser = Browser::new();
    app.log_in(&mut browser, "admin");
    app.request(&mut browser, |session| session.set(&Cart(vec![1])).unwrap());
    let before = browser.clone();
    app.request(&mut browser, |session| impersonate(session, "admin", "ann").unwrap());
    (browser, before)
}

#[test]
fn the_actor_is_kept_and_nothing_else_of_the_session_before() {
    let app = App::new();
    let (mut browser, mut before) = acting(&app);
    app.request(&mut browser, |session| {
        let authentication = session.authenticated().unwrap().authentication().clone();
        assert_eq!(authentication.principal, user("ann"));
        assert_eq!(authentication.actor, Some(user("admin")));
        assert_eq!(authentication.at, START, "acting as somebody is no fresh authentication");
        assert_eq!(session.get::<Cart>().unwrap(), None);
    });
    assert_eq!(app.who(&mut before), None, "a stolen cookie of one must not be one of the other");
    assert!(app.has_audit("session.impersonated"));
    // Ann can see it.
    let listed = block_on(app.sessions.list(&user("ann"), Page::first())).unwrap();
    assert_eq!(listed[0].authentication.as_ref().unwrap().actor, Some(user("admin")));
    assert!(app.sessions_of("admin").is_empty());
}

#[test]
fn acting_as_somebody_is_short_and_never_longer_than_the_session_before() {
    let app = App::new();
    let (mut browser, _) = acting(&app);
    for _ in 0..3 {
        app.step(Duration::from_secs(1_199));
        assert_eq!(app.who(&mut browser).as_deref(), Some("ann"));
    }
    app.step(Duration::from_secs(3));
    assert_eq!(app.who(&mut browser), None, "one hour, however often it is used");

    let app = App::new();
    let mut late = Browser::new();
    app.log_in(&mut late, "admin");
    let steps = ABSOLUTE.as_secs() / 600;
    for _ in 0..steps - 1 {
        app.step(Duration::from_secs(600));
        app.who(&mut late);
    }
    app.request(&mut late, |session| impersonate(session, "admin", "ann").unwrap());
    let ends = app.request(&mut late, |session| session.ends_at().unwrap());
    assert_eq!(ends, START.saturating_add(ABSOLUTE));
}

/// Kubernetes' escalation rule: nobody comes to more than they hold.
#[test]
fn who_may_not_act_as_somebody_stays_who_they_are() {
    let app = App::new();
    let mut admin = Browser::new();
    app.log_in(&mut admin, "admin");
    app.request(&mut admin, |session| {
        let refused = |result: Result<_, ImpersonateError>| result.unwrap_err();
        assert!(matches!(refused(impersonate(session, "admin", "admin2")), ImpersonateError::Rank));
        assert!(matches!(refused(impersonate(session, "admin", "admin")), ImpersonateError::Nested));
        assert!(matches!(refused(impersonate(session, "admin2", "ann")), ImpersonateError::Permit));
        assert!(matches!(
            refused(impersonate(session, "admin", "nobody knows")),
            ImpersonateError::Unavailable(_)
        ));
        // A permit for Ann is none for Bob.
        let bob = user("bob");
        let target = Target { principal: &bob, epoch: AuthEpoch::ZERO };
        let result = block_on(session.impersonate(permit("admin", "ann"), target, &Ranks));
        assert!(matches!(refused(result), ImpersonateError::Permit));
        assert_eq!(name_of(session).as_deref(), Some("admin"));
    });
    let mut nobody = Browser::new();
    app.request(&mut nobody, |session| {
        assert!(matches!(impersonate(session, "admin", "ann"), Err(ImpersonateError::Ended)));
    });
    let (mut acting, _) = acting(&app);
    app.request(&mut acting, |session| {
        assert!(matches!(impersonate(session, "ann", "bob"), Err(ImpersonateError::Nested)));
    });
    assert_eq!(app.sessions_of("bob"), []);
}

/// Ids are unique within a realm only: a permit for the local user 7 is none for user 7 of another tenant.
#[test]
fn a_permit_is_for_the_realm_of_its_target() {
    let app = App::new();
    let mut admin = Browser::new();
    app.log_in(&mut admin, "admin");
    let realm = Realm::local("b").unwrap();
    let elsewhere = PrincipalId::new(realm.clone(), PrincipalKind::User, "ann").unwrap();
    let here = Resource::one(USER, "ann").unwrap();
    for (target, resource, allowed) in [
        (&elsewhere, here.clone(), false),
        (&elsewhere, here.clone().of_tenant(Realm::local("c").unwrap()), false),
        (&elsewhere, here.of_tenant(realm), true),
    ] {
        app.request(&mut admin, |session| {
            let target = Target { principal: target, epoch: AuthEpoch::ZERO };
            let outcome = block_on(session.impersonate(permit_for("admin", &resource), target, &Ranks));
            match outcome {
                Ok(_) => assert!(allowed),
                Err(error) => assert!(!allowed && matches!(error, ImpersonateError::Permit), "{error}"),
            }
        });
    }
}

struct ServicesImpersonate;

impl Permission for ServicesImpersonate {
    const ACTION: Action = Action::from_static("services.impersonate");
    const RESOURCE: ResourceKind = ResourceKind::from_static("service");
}

impl Impersonation for ServicesImpersonate {
    const PRINCIPAL: PrincipalKind = PrincipalKind::Service;
}

/// The user 7 and the service 7 are two: a permit for one is none for the other.
#[test]
fn a_permit_is_for_the_kind_of_its_target() {
    let app = App::new();
    let mut admin = Browser::new();
    app.log_in(&mut admin, "admin");
    let (ann, service) =
        (user("ann"), PrincipalId::new(Realm::LOCAL, PrincipalKind::Service, "ann").unwrap());
    let of = |principal| Target { principal, epoch: AuthEpoch::ZERO };
    let (who, action) = (authenticated_as(&user("admin"), START), ServicesImpersonate::ACTION);
    let resource = Resource::one(ServicesImpersonate::RESOURCE, "ann").unwrap();
    let of_services = || {
        let request = AccessRequest::new(&who, &action, &resource, START);
        Permit::assertion(&request, PolicyVersion::new(1), None).typed::<ServicesImpersonate>().unwrap()
    };
    app.request(&mut admin, |session| {
        let refused = block_on(session.impersonate(permit("admin", "ann"), of(&service), &Ranks));
        assert!(matches!(refused, Err(ImpersonateError::Permit)), "{refused:?}");
        let refused = block_on(session.impersonate(of_services(), of(&ann), &Ranks));
        assert!(matches!(refused, Err(ImpersonateError::Permit)), "{refused:?}");
        block_on(session.impersonate(of_services(), of(&service), &Ranks)).unwrap();
        assert_eq!(session.authenticated().unwrap().principal(), &service);
    });
}

/// Support must neither log out whom it helps nor keep them out.
#[test]
fn acting_as_somebody_takes_no_place_of_their_sessions() {
    for when_reached in [WhenReached::Refuse, WhenReached::EndOldest] {
        let limited = policy().with_limit(SessionLimit { max: 1, when_reached }).unwrap();
        let app = App::with(limited, EpochCheck::by_session_store_only());
        let (mut ann, mut before) = (Browser::new(), Browser::new());
        app.log_in(&mut before, "ann");
        let (mut first, _) = acting(&app);
        assert_eq!(app.who(&mut before).as_deref(), Some("ann"));
        app.log_out(&mut before);
        let id = app.log_in(&mut ann, "ann");
        let (mut second, _) = acting(&app);
        for browser in [&mut ann, &mut first, &mut second] {
            assert_eq!(app.who(browser).as_deref(), Some("ann"), "{when_reached:?}");
        }
        assert_eq!(app.request(&mut ann, |session| session.id()), Some(id));
    }
}

/// A read-only token of an administrator must not become somebody who writes.
#[test]
fn a_limited_login_acts_as_nobody() {
    let app = App::new();
    let mut browser = Browser::new();
    let limits = Limits::unlimited().with_scopes(Scopes::parse("users.read").unwrap());
    let limited = login("admin").with_limits(limits);
    app.request(&mut browser, |session| {
        block_on(session.start(limited)).unwrap();
    });
    app.request(&mut browser, |session| {
        assert!(matches!(impersonate(session, "admin", "ann"), Err(ImpersonateError::Limited)));
    });
}

/// What must not happen unseen does not happen where it cannot be written down.
#[test]
fn who_acts_as_somebody_is_in_the_durable_log_first() {
    for room in [0, 1] {
        let mut app = App::new();
        let log = Arc::new(MemoryAudit::new(room));
        app.sessions = app.sessions.with_durable_audit(log.clone());
        let mut browser = Browser::new();
        app.log_in(&mut browser, "admin");
        let acted = app.request(&mut browser, |session| impersonate(session, "admin", "ann"));
        assert_eq!(app.rows(), 1);
        if room == 0 {
            assert!(matches!(acted, Err(ImpersonateError::Unavailable(_))));
            assert!(!app.has_audit("session.impersonated"));
            assert_eq!(app.who(&mut browser).as_deref(), Some("admin"));
        } else {
            let events = log.events();
            let [(_, AuditEvent::Impersonated { actor, session, .. })] = &events[..] else { panic!() };
            assert_eq!((actor, *session), (&user("admin"), acted.unwrap()));
            assert_eq!(app.who(&mut browser).as_deref(), Some("ann"));
        }
    }
}

/// The administrator's old cookie must not live on where the store was slow to end it.
#[test]
fn a_store_that_fails_leaves_nobody_acting() {
    for (call, how) in [
        ("insert", Failing::Before),
        ("insert", Failing::After),
        ("remove", Failing::Before),
        ("remove", Failing::After),
    ] {
        let app = App::new();
        let mut browser = Browser::new();
        app.log_in(&mut browser, "admin");
        let mut session = app.open(&browser);
        app.store.fail(Some((call, how)));
        let refused = impersonate(&mut session, "admin", "ann").unwrap_err();
        assert!(matches!(refused, ImpersonateError::Unavailable(_)), "{call} {how:?}");
        let outgoing = block_on(session.commit());
        assert!(outgoing.cookie().is_none_or(auth_session::SetCookie::clears), "{call} {how:?}");
        app.store.fail(None);
        let who = app.who(&mut browser);
        assert_ne!(who.as_deref(), Some("ann"), "{call} {how:?}");
    }
}

/// Epochs of accounts by their ids.
#[derive(Default)]
struct Accounts(Mutex<BTreeMap<String, u64>>);

#[async_trait]
impl EpochSource for Accounts {
    async fn epoch_of(&self, principal: &PrincipalId) -> Result<Option<AuthEpoch>, StoreError> {
        Ok(self.0.lock().unwrap().get(principal.id()).copied().map(AuthEpoch::new))
    }
}

/// An administrator who is thrown out, or whose password was changed, must not go on as somebody else.
#[test]
fn what_ends_the_actor_ends_the_acting() {
    for (whose, epoch) in [("admin", Some(1)), ("admin", None), ("ann", Some(1)), ("ann", None)] {
        let accounts = Arc::new(Accounts::default());
        let set = |name: &str, epoch: Option<u64>| {
            let mut accounts = accounts.0.lock().unwrap();
            match epoch {
                Some(epoch) => accounts.insert(name.to_owned(), epoch),
                None => accounts.remove(name),
            }
        };
        set("admin", Some(0));
        set("ann", Some(0));
        let check = EpochCheck::every(accounts.clone(), Duration::ZERO).unwrap();
        let app = App::with(policy(), check);
        let (mut browser, _) = acting(&app);
        assert_eq!(app.who(&mut browser).as_deref(), Some("ann"));
        set(whose, epoch);
        assert_eq!(app.who(&mut browser), None, "{whose} {epoch:?}");
    }
}

//! A decision point across a network has no more say than one here: limits first, the right answer or none.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use auth_core::{
    AccessRequest, Action, AsyncAuthorizer, AsyncAuthorizerExt, Authenticated, Authorizer, AuthorizerExt,
    DecideError, Decision, Denial, DenialReason, Limits, Local, Obligation, Permit, PolicyVersion,
    PrincipalId, Realm, Refusal, Resource, ResourceKind, RuleId, Scopes, UnixTime,
    testing::{authenticated_as, block_on},
};

const NOW: UnixTime = UnixTime::from_secs(1_000);
static DELETE: Action = Action::from_static("users.delete");

/// What a decision point answers, whatever it is asked.
#[derive(Clone, Copy)]
enum Says {
    Allow,
    AllowIfLogged,
    AllowAnotherAction,
    AllowSomebodyElse,
    AllowAnotherResource,
    Deny,
    NoPolicy,
    Nothing,
}

/// A decision point, and how often it was asked.
struct Scripted {
    says: Says,
    asked: AtomicUsize,
}

impl Scripted {
    fn new(says: Says) -> Self {
        Self { says, asked: AtomicUsize::new(0) }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Authorizer for Scripted {
    fn decide(&self, request: &AccessRequest<'_>) -> Result<Decision, DecideError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let permit = |request: &AccessRequest<'_>| Permit::assertion(request, PolicyVersion::new(1), None);
        let somebody = who("bob", Limits::unlimited());
        let other = Action::from_static("users.read");
        let elsewhere = resource("8");
        Ok(Decision::Allow(match self.says {
            Says::Allow => permit(request),
            Says::AllowIfLogged => {
                permit(request).with_obligations(vec![Obligation { name: Action::from_static("log") }])
            }
            Says::AllowAnotherAction => {
                permit(&AccessRequest::new(&who("ann", Limits::unlimited()), &other, request.resource(), NOW))
            }
            Says::AllowSomebodyElse => {
                permit(&AccessRequest::new(&somebody, request.action(), request.resource(), NOW))
            }
            Says::AllowAnotherResource => {
                let ann = who("ann", Limits::unlimited());
                permit(&AccessRequest::new(&ann, request.action(), &elsewhere, NOW))
            }
            Says::Deny => {
                let denial = Denial::new(DenialReason::Forbidden);
                return Ok(Decision::Deny(denial.by(PolicyVersion::new(7), Some(RuleId::new(3)))));
            }
            Says::NoPolicy => return Err(DecideError::NoPolicy),
            Says::Nothing => return Err(DecideError::Unreachable(io::Error::other("down").into())),
        }))
    }
}

/// The same at the other end of a network.
struct Remote(Scripted);

#[async_trait]
impl AsyncAuthorizer for Remote {
    async fn decide_remote(&self, request: &AccessRequest<'_>) -> Result<Decision, DecideError> {
        self.0.decide(request)
    }
}

fn who(id: &str, limits: Limits) -> Authenticated {
    let login = authenticated_as(&PrincipalId::local_user(id).unwrap(), NOW);
    Authenticated::assertion(login.authentication().clone().with_limits(limits))
}

fn resource(id: &str) -> Resource {
    Resource::one(ResourceKind::from_static("user"), id).unwrap()
}

/// What ann's request to delete user 7 is answered by each kind of decision point, which must agree.
fn answers(says: Says, limits: Limits) -> Result<Permit, Refusal> {
    let (ann, user) = (who("ann", limits), resource("7"));
    let request = AccessRequest::new(&ann, &DELETE, &user, NOW);
    let here = Scripted::new(says);
    let expected = here.require(&request);
    let remote = Remote(Scripted::new(says));
    let local = Local(Scripted::new(says));
    let answers = [block_on(remote.require_remote(&request)), block_on(local.require_remote(&request))];
    assert_eq!([remote.0.asked(), local.0.asked()], [here.asked(); 2]);
    for answer in answers {
        assert_eq!(format!("{answer:?}"), format!("{expected:?}"));
    }
    expected
}

fn denied(answer: Result<Permit, Refusal>) -> Denial {
    match answer.unwrap_err() {
        Refusal::Denied(denial) => denial,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_permit_for_the_request_passes() {
    let permit = answers(Says::Allow, Limits::unlimited()).unwrap();
    assert_eq!(permit.principal().id(), "ann");
    assert_eq!((permit.action(), permit.resource().id()), (&DELETE, Some("7")));
}

/// A read-only token of an administrator only reads, and its request does not leave the house.
#[test]
fn limits_come_before_the_network() {
    let scopes = Scopes::parse("users.read").unwrap();
    for (limits, reason) in [
        (Limits::unlimited().with_scopes(scopes), DenialReason::Scope),
        (Limits::unlimited().with_tenant(Realm::local("a").unwrap()), DenialReason::Tenant),
        (Limits::unlimited().with_networks(vec!["10.0.0.0/8".parse().unwrap()]), DenialReason::Network),
    ] {
        let ann = who("ann", limits.clone());
        let user = resource("7");
        let remote = Remote(Scripted::new(Says::Allow));
        let answer = block_on(remote.require_remote(&AccessRequest::new(&ann, &DELETE, &user, NOW)));
        assert_eq!((denied(answer).reason(), remote.0.asked()), (reason, 0));
        assert_eq!(denied(answers(Says::Allow, limits)).reason(), reason);
    }
}

/// A cache or a proxy in between that mixes up answers opens no door.
#[test]
fn a_permit_for_another_request_is_refused() {
    for says in [Says::AllowAnotherAction, Says::AllowSomebodyElse, Says::AllowAnotherResource] {
        assert_eq!(denied(answers(says, Limits::unlimited())).reason(), DenialReason::Indeterminate);
    }
}

/// Here or there, who can do what a permit is given for is given it, and who cannot is not.
#[test]
fn an_obligation_may_be_discharged() {
    let (ann, user) = (who("ann", Limits::unlimited()), resource("7"));
    let request = AccessRequest::new(&ann, &DELETE, &user, NOW);
    let remote = Remote(Scripted::new(Says::AllowIfLogged));
    let mut done = Vec::new();
    let answer = block_on(remote.require_remote_with(&request, &mut |obligation| {
        done.push(obligation.name.clone());
        true
    }));
    assert!(answer.unwrap().obligations().is_empty());
    assert_eq!(done, [Action::from_static("log")]);
    let answer = block_on(remote.require_remote_with(&request, &mut |_| false));
    assert_eq!(denied(answer).reason(), DenialReason::Obligation);
}

/// Whoever does not say how obligations are discharged has a permit on conditions denied.
#[test]
fn an_obligation_is_a_denial() {
    let denial = denied(answers(Says::AllowIfLogged, Limits::unlimited()));
    assert_eq!((denial.reason(), denial.version()), (DenialReason::Obligation, Some(PolicyVersion::new(1))));
}

#[test]
fn a_denial_stays_what_it_was() {
    let denial = denied(answers(Says::Deny, Limits::unlimited()));
    let rule = (denial.version(), denial.rule());
    assert_eq!(denial.reason(), DenialReason::Forbidden);
    assert_eq!(rule, (Some(PolicyVersion::new(7)), Some(RuleId::new(3))));
}

/// No answer is neither yes nor no: 503.
#[test]
fn a_decision_point_out_of_reach_is_unavailable() {
    for says in [Says::NoPolicy, Says::Nothing] {
        let refusal = answers(says, Limits::unlimited()).unwrap_err();
        assert_eq!(refusal.status(), 503, "{refusal:?}");
    }
}

/// What an application holds is `Arc<dyn AsyncAuthorizer>`.
#[test]
fn pointers_to_a_remote_authorizer_are_one() {
    let (ann, user) = (who("ann", Limits::unlimited()), resource("7"));
    let request = AccessRequest::new(&ann, &DELETE, &user, NOW);
    let denied = |authorizer: &dyn AsyncAuthorizer| {
        denied(block_on(authorizer.require_remote(&request))).rule() == Some(RuleId::new(3))
    };
    let remote = || Remote(Scripted::new(Says::Deny));
    let lent: &'static Remote = Box::leak(Box::new(remote()));
    let boxed: Box<dyn AsyncAuthorizer> = Box::new(remote());
    let shared: Arc<dyn AsyncAuthorizer> = Arc::new(remote());
    let nested: Arc<Box<dyn AsyncAuthorizer>> = Arc::new(Box::new(Local(Scripted::new(Says::Deny))));
    assert!(denied(&lent) && denied(&boxed) && denied(&shared) && denied(&nested));
    assert_eq!(lent.0.asked(), 1);
}

//! The right way from a factor to a permit.
use std::sync::Arc;

use auth_core::{
    AccessRequest, Action, AuthEpoch, Authenticated, Authorizer, AuthorizerExt, DecideError, Decision,
    Enrolled, FactorPassed, Judgement, Login, LoginGate, LoginOutcome, LoginPolicy, Method, Permission, Permit,
    PolicyVersion, PrincipalId, Resource, ResourceKind, UnixTime,
};

struct PasswordIsEnough;
impl LoginPolicy for PasswordIsEnough {
    fn judge(&self, _: &[Method], _: &Enrolled) -> Judgement {
        Judgement::Enough(auth_core::Assurance::Aal1)
    }
}

struct Everybody;
impl Authorizer for Everybody {
    fn decide(&self, request: &AccessRequest<'_>) -> Result<Decision, DecideError> {
        Ok(Decision::Allow(Permit::assertion(request, PolicyVersion::new(1), None)))
    }
}

struct UsersDelete;
impl Permission for UsersDelete {
    const ACTION: Action = Action::from_static("users.delete");
    const RESOURCE: ResourceKind = ResourceKind::from_static("users");
}

fn start(login: Login) -> Authenticated {
    Authenticated::assertion(login.into_authentication())
}

fn delete(permit: Permit<UsersDelete>) {
    assert_eq!(permit.resource().id(), Some("7"));
}

fn main() {
    let now = UnixTime::from_secs(1_000);
    let ann = PrincipalId::local_user("ann").unwrap();
    let gate = LoginGate::new(Arc::new(PasswordIsEnough));

    let factor = FactorPassed::assertion(ann, Method::PASSWORD, now, AuthEpoch::ZERO);
    let none = Enrolled::assertion(Vec::new());
    let LoginOutcome::Complete(login) = gate.begin(factor, &none, now).unwrap() else { panic!("pending") };
    let request = start(login);

    let user = Resource::one(UsersDelete::RESOURCE, "7").unwrap();
    delete(Everybody.require_for(&request, &user, now).unwrap());
}

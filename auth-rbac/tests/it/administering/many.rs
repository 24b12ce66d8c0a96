//! Many changes of a large policy.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use auth_core::{AccessRequest, Authorizer, DecideError, Decision, Denial, DenialReason, ResourceKind};
use auth_rbac::{Administration, PolicyChange};

use super::{administer, assign, inherit, key, shop};
use crate::support::{user, who};

/// Permits nothing, forbids nothing, and counts how often it is asked.
struct Counting(Arc<AtomicUsize>);

impl Authorizer for Counting {
    fn decide(&self, _: &AccessRequest<'_>) -> Result<Decision, DecideError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(Decision::Deny(Denial::new(DenialReason::NotPermitted)))
    }
}

/// Whoever hands out a large role to everybody holds up all others meanwhile, so what was found once is not looked for
/// again.
#[test]
fn many_changes_ask_no_more_than_a_few() {
    let mut policy = shop();
    for n in 0..5_000 {
        policy.permission(format!("k{}.p{n}", n % 200)).unwrap();
    }
    policy.role("large").unwrap();
    for n in 0..200 {
        policy.allow("large", format!("k{n}.*")).unwrap();
        policy.allow("root", format!("k{n}.*")).unwrap();
    }
    for name in ["policy.bind", "policy.escalate"] {
        policy.deny_principal(&user("root"), name).unwrap();
    }
    let asked = |changes: &[PolicyChange]| {
        let count = Arc::new(AtomicUsize::new(0));
        let (administration, _) = administer(policy.clone());
        let kinds = [ResourceKind::from_static("k")];
        let administration = administration.guarded_by(Arc::new(Counting(Arc::clone(&count))), kinds);
        administration.by(&who(&user("root"))).check(changes).unwrap();
        count.load(Ordering::Relaxed)
    };
    let assigned = |n: usize| -> Vec<_> { (0..n).map(|n| assign(&format!("u{n}"), "large")).collect() };
    assert_eq!(asked(&assigned(Administration::MAX_CHANGES)), asked(&assigned(10)));
    let inherited = |n: usize| -> Vec<_> {
        let pair = |n| [PolicyChange::CreateRole(key(&format!("r{n}"))), inherit(&format!("r{n}"), "large")];
        (0..n).flat_map(pair).collect()
    };
    assert_eq!(asked(&inherited(20)), asked(&inherited(1)));
}

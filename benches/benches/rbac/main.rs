//! RBAC checks: `rbac/<case>/<implementation>`. Every answer is asserted.
//!
//! Actions and kinds are static, as `permissions!` makes them. Who asks is built outside the measured time, as
//! an authenticator does that before; the policy is then looked up by names, or by the ids of a snapshot.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use auth_benches::{Numbers, Shape};
use auth_core::{
    AccessRequest, Action, Authenticated, Authorizer, AuthorizerExt, Decision, Effect, PolicyVersion,
    PrincipalId, Resource, ResourceKind, UnixTime, testing::authenticated_as,
};
use auth_rbac::{PolicyBuilder, Rbac, Snapshot};
use criterion::{Criterion, criterion_group, criterion_main};

mod hard;
#[cfg(feature = "peers")]
mod peers;
mod swapping;

pub(crate) const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
/// Two rules and ten people, and casbin's own small, medium and large.
const SHAPES: [(&str, Shape); 4] = [
    ("10x2", Shape { users: 10, roles: 2 }),
    ("1000x100", Shape { users: 1_000, roles: 100 }),
    ("10000x1000", Shape { users: 10_000, roles: 1_000 }),
    ("100000x10000", Shape { users: 100_000, roles: 10_000 }),
];
/// How many people are built at once before they ask: few enough to be in the cache, as they are in a server
/// that has just authenticated one, and enough that reading the clock does not count.
pub(crate) const BATCH: u64 = 16;

pub(crate) fn principal(shape: Shape, user: u64) -> PrincipalId {
    PrincipalId::local_user(&shape.user(user)).unwrap()
}

/// The names of a policy, made before the time of building it is taken.
struct Names {
    permissions: Vec<String>,
    roles: Vec<(String, String)>,
    assignments: Vec<(PrincipalId, String)>,
}

impl Names {
    fn new(shape: Shape) -> Self {
        let read = |role| format!("{}.read", shape.data(role));
        Self {
            permissions: (0..shape.roles.div_ceil(10)).map(|kind| read(kind * 10)).collect(),
            roles: (0..shape.roles).map(|role| (shape.role(role), read(role))).collect(),
            assignments: (0..shape.users)
                .map(|user| (principal(shape, user), shape.role(shape.role_of(user))))
                .collect(),
        }
    }

    fn build(&self, version: u64) -> Snapshot {
        let mut policy = PolicyBuilder::new();
        for permission in &self.permissions {
            policy.permission(permission).unwrap();
        }
        for (role, permission) in &self.roles {
            policy.role(role).unwrap().allow(permission).unwrap();
        }
        for (principal, role) in &self.assignments {
            policy.assign(principal, role).unwrap();
        }
        policy.build(PolicyVersion::new(version)).unwrap()
    }
}

/// One kind of data, and the action of reading it.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) action: Action,
    pub(crate) resource: Resource,
}

impl Target {
    /// Of text that lives as long as the program, as text that is written in it does.
    pub(crate) fn new(data: String) -> Self {
        let action: &'static str = format!("{data}.read").leak();
        Self {
            action: Action::from_static(action),
            resource: Resource::any(ResourceKind::from_static(data.leak())),
        }
    }

    pub(crate) fn all(shape: Shape) -> Vec<Self> {
        (0..shape.roles.div_ceil(10)).map(|kind| Self::new(shape.data(kind * 10))).collect()
    }

    pub(crate) fn asked_by<'a>(&'a self, who: &'a Authenticated) -> AccessRequest<'a> {
        AccessRequest::new(who, &self.action, &self.resource, NOW)
    }
}

fn by_ids(c: &mut Criterion, name: &str, shape: Shape, snapshot: &Snapshot) {
    let ids = |user: u64| {
        let permission = format!("{}.read", shape.data(shape.role_of(user)));
        (snapshot.principal(&principal(shape, user)).unwrap(), snapshot.permission(permission).unwrap())
    };
    let (who, what) = ids(shape.users / 2 + 1);
    c.bench_function(&format!("rbac/{name}-warm-ids/ours"), |b| {
        b.iter(|| assert_eq!(snapshot.check(black_box(who), black_box(what)), Effect::Permit));
    });
    let mut numbers = Numbers::new(7);
    let random: Vec<_> = (0..shape.users.min(20_000)).map(|_| ids(numbers.below(shape.users))).collect();
    let mut next = 0;
    c.bench_function(&format!("rbac/{name}-random-ids/ours"), |b| {
        b.iter(|| {
            next = if next + 1 < random.len() { next + 1 } else { 0 };
            let (who, what) = random[next];
            assert_eq!(snapshot.check(black_box(who), black_box(what)), Effect::Permit);
        });
    });
}

fn by_names(c: &mut Criterion, name: &str, shape: Shape, rbac: &Rbac) {
    let targets = Target::all(shape);
    let of = |user| &targets[(shape.role_of(user) / 10) as usize];
    let user = shape.users / 2 + 1;
    let (who, what) = (authenticated_as(&principal(shape, user), NOW), of(user).clone());

    c.bench_function(&format!("rbac/{name}-warm-decide/ours"), |b| {
        b.iter(|| assert!(matches!(rbac.decide(black_box(&what.asked_by(&who))), Ok(Decision::Allow(_)))));
    });
    c.bench_function(&format!("rbac/{name}-warm-allow/ours"), |b| {
        b.iter(|| assert!(rbac.require(black_box(&what.asked_by(&who))).is_ok()));
    });
    // In the small policy there is one kind of data, and everybody may read it.
    if targets.len() > 1 {
        let (who, what) = (authenticated_as(&principal(shape, 0), NOW), targets.last().unwrap());
        c.bench_function(&format!("rbac/{name}-warm-deny/ours"), |b| {
            b.iter(|| assert!(rbac.require(black_box(&what.asked_by(&who))).is_err()));
        });
    }
    let mut numbers = Numbers::new(7);
    c.bench_function(&format!("rbac/{name}-random-allow/ours"), |b| {
        b.iter_custom(|count| {
            let mut elapsed = Duration::ZERO;
            let mut left = count;
            while left > 0 {
                let some = left.min(BATCH);
                let questions: Vec<_> = (0..some)
                    .map(|_| {
                        let user = numbers.below(shape.users);
                        (authenticated_as(&principal(shape, user), NOW), of(user).clone())
                    })
                    .collect();
                let start = Instant::now();
                for (who, what) in &questions {
                    assert!(rbac.require(black_box(&what.asked_by(who))).is_ok());
                }
                elapsed += start.elapsed();
                left -= some;
            }
            elapsed
        });
    });
}

fn ours(c: &mut Criterion) {
    for (name, shape) in SHAPES {
        let names = Names::new(shape);
        // The policy that was built last is the one that is asked: a smoke test builds it once.
        let mut last = None;
        let mut group = c.benchmark_group("rbac");
        group.sample_size(10);
        group.bench_function(format!("{name}-build/ours"), |b| {
            b.iter_custom(|count| {
                (0..count)
                    .map(|_| {
                        drop(last.take());
                        let start = Instant::now();
                        let snapshot = names.build(1);
                        let elapsed = start.elapsed();
                        last = Some(snapshot);
                        elapsed
                    })
                    .sum()
            });
        });
        group.finish();
        let rbac = Rbac::new(last.unwrap_or_else(|| names.build(1)));
        let snapshot = rbac.snapshot().unwrap();
        assert_eq!(snapshot.counts().principals as u64, shape.users);
        println!("rbac/{name}-resident/ours: {} bytes", snapshot.size_in_bytes());
        by_ids(c, name, shape, &snapshot);
        by_names(c, name, shape, &rbac);
        if shape.users == 100_000 {
            swapping::rows(&rbac, &|version| names.build(version), &Target::all(shape), shape);
        }
    }
}

#[cfg(not(feature = "peers"))]
fn peer_rows(_: &mut Criterion) {}

#[cfg(feature = "peers")]
use peers::rows as peer_rows;

criterion_group!(benches, ours, hard::rows, peer_rows);
criterion_main!(benches);

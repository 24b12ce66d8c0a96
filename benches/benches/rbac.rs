//! RBAC checks: `rbac/<case>/<implementation>`. Every answer is asserted.

use std::hint::black_box;

use auth_benches::{Numbers, Shape};
use auth_core::{
    AccessRequest, Action, Authenticated, AuthorizerExt, Effect, PolicyVersion, PrincipalId, Resource,
    ResourceKind, UnixTime, testing::authenticated_as,
};
use auth_rbac::{PolicyBuilder, Rbac, Snapshot};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
const SMALL: Shape = Shape { users: 10, roles: 2 };
const LARGE: Shape = Shape { users: 100_000, roles: 10_000 };

fn principal(shape: Shape, user: u64) -> PrincipalId {
    PrincipalId::local_user(&shape.user(user)).unwrap()
}

fn snapshot(shape: Shape) -> Snapshot {
    let mut policy = PolicyBuilder::new();
    for role in 0..shape.roles.div_ceil(10) {
        policy.permission(format!("{}.read", shape.data(role * 10))).unwrap();
    }
    for role in 0..shape.roles {
        policy.role(shape.role(role)).unwrap().allow(format!("{}.read", shape.data(role))).unwrap();
    }
    for user in 0..shape.users {
        policy.assign(&principal(shape, user), shape.role(shape.role_of(user))).unwrap();
    }
    policy.build(PolicyVersion::new(1)).unwrap()
}

/// A question whose answer is yes, owned.
struct Question {
    authenticated: Authenticated,
    action: Action,
    resource: Resource,
}

impl Question {
    fn new(shape: Shape, user: u64, data: &str) -> Self {
        Self {
            authenticated: authenticated_as(&principal(shape, user), NOW),
            action: Action::parse(&format!("{data}.read")).unwrap(),
            resource: Resource::any(ResourceKind::parse(data).unwrap()),
        }
    }

    fn request(&self) -> AccessRequest<'_> {
        AccessRequest::new(&self.authenticated, &self.action, &self.resource, NOW)
    }
}

fn ours(c: &mut Criterion) {
    for (name, shape) in [("10x2", SMALL), ("100000x10000", LARGE)] {
        let rbac = Rbac::new(snapshot(shape));
        let user = shape.users / 2 + 1;
        let data = shape.data(shape.role_of(user));
        let loaded = rbac.snapshot().unwrap();

        let ids = (
            loaded.principal(&principal(shape, user)).unwrap(),
            loaded.permission(format!("{data}.read")).unwrap(),
        );
        c.bench_function(&format!("rbac/{name}-warm-ids/ours"), |b| {
            b.iter(|| assert_eq!(loaded.check(black_box(ids.0), black_box(ids.1)), Effect::Permit));
        });

        let allowed = Question::new(shape, user, &data);
        c.bench_function(&format!("rbac/{name}-warm-allow/ours"), |b| {
            b.iter(|| assert!(rbac.require(black_box(&allowed.request())).is_ok()));
        });
        let denied = Question::new(shape, 0, &shape.data(shape.roles - 1));
        if shape.data(shape.role_of(0)) != shape.data(shape.roles - 1) {
            c.bench_function(&format!("rbac/{name}-warm-deny/ours"), |b| {
                b.iter(|| assert!(rbac.require(black_box(&denied.request())).is_err()));
            });
        }

        let mut numbers = Numbers::new(7);
        let questions: Vec<_> = (0..shape.users.min(20_000))
            .map(|_| {
                let user = numbers.below(shape.users);
                Question::new(shape, user, &shape.data(shape.role_of(user)))
            })
            .collect();
        let mut next = 0;
        c.bench_function(&format!("rbac/{name}-random-allow/ours"), |b| {
            b.iter(|| {
                next = (next + 1) % questions.len();
                assert!(rbac.require(black_box(&questions[next].request())).is_ok());
            });
        });
    }
    let mut group = c.benchmark_group("rbac");
    group.sample_size(10);
    group.bench_function("100000x10000-build/ours", |b| {
        b.iter_batched(|| (), |()| assert!(snapshot(LARGE).counts().principals > 0), BatchSize::PerIteration);
    });
    group.finish();
    println!("rbac/100000x10000-resident/ours: {} bytes", snapshot(LARGE).size_in_bytes());
}

#[cfg(feature = "peers")]
fn peers(c: &mut Criterion) {
    use casbin::{CoreApi, DefaultModel, Enforcer, MemoryAdapter, MgmtApi};

    const MODEL: &str = "
[request_definition]
r = sub, obj, act
[policy_definition]
p = sub, obj, act
[role_definition]
g = _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = g(r.sub, p.sub) && r.obj == p.obj && r.act == p.act
";
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut group = c.benchmark_group("rbac");
    group.sample_size(10);
    for (name, shape) in [("10x2", SMALL), ("100000x10000", LARGE)] {
        let enforcer = runtime.block_on(async {
            let model = DefaultModel::from_str(MODEL).await.unwrap();
            let mut enforcer = Enforcer::new(model, MemoryAdapter::default()).await.unwrap();
            let rules = (0..shape.roles).map(|n| vec![shape.role(n), shape.data(n), "read".to_owned()]).collect();
            enforcer.add_policies(rules).await.unwrap();
            let links = (0..shape.users).map(|n| vec![shape.user(n), shape.role(shape.role_of(n))]).collect();
            enforcer.add_grouping_policies(links).await.unwrap();
            enforcer
        });
        let user = shape.users / 2 + 1;
        let (sub, obj) = (shape.user(user), shape.data(shape.role_of(user)));
        group.bench_function(format!("{name}-warm-allow/casbin"), |b| {
            b.iter(|| assert!(enforcer.enforce(black_box((sub.as_str(), obj.as_str(), "read"))).unwrap()));
        });
        let last = shape.data(shape.roles - 1);
        if shape.data(shape.role_of(0)) != last {
            let first = shape.user(0);
            group.bench_function(format!("{name}-warm-deny/casbin"), |b| {
                b.iter(|| assert!(!enforcer.enforce(black_box((first.as_str(), last.as_str(), "read"))).unwrap()));
            });
        }
    }
    group.finish();
}

#[cfg(not(feature = "peers"))]
fn peers(_: &mut Criterion) {}

criterion_group!(benches, ours, peers);
criterion_main!(benches);

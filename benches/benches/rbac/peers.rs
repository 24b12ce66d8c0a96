//! The rows of casbin, asked the same questions.

use std::{hint::black_box, time::Instant};

use auth_benches::Shape;
use casbin::{CachedEnforcer, CoreApi, DefaultModel, Enforcer, MemoryAdapter, MgmtApi};
use criterion::Criterion;

use crate::SHAPES;

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

async fn fill<E: MgmtApi>(mut enforcer: E, shape: Shape) -> E {
    let rules = (0..shape.roles).map(|n| vec![shape.role(n), shape.data(n), "read".to_owned()]).collect();
    let links = (0..shape.users).map(|n| vec![shape.user(n), shape.role(shape.role_of(n))]).collect();
    enforcer.add_policies(rules).await.unwrap();
    enforcer.add_grouping_policies(links).await.unwrap();
    enforcer
}

pub(crate) fn rows(c: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let model = || runtime.block_on(DefaultModel::from_str(MODEL)).unwrap();

    let mut group = c.benchmark_group("rbac");
    group.sample_size(10);
    for (name, shape) in SHAPES {
        let start = Instant::now();
        let plain = Enforcer::new(model(), MemoryAdapter::default());
        let enforcer = runtime.block_on(async { fill(plain.await.unwrap(), shape).await });
        println!("rbac/{name}-build/casbin: {:?}, once, names included", start.elapsed());

        let user = shape.users / 2 + 1;
        let (sub, obj) = (shape.user(user), shape.data(shape.role_of(user)));
        group.bench_function(format!("{name}-warm-allow/casbin"), |b| {
            b.iter(|| assert!(enforcer.enforce(black_box((sub.as_str(), obj.as_str(), "read"))).unwrap()));
        });
        let last = shape.data(shape.roles - 1);
        if shape.data(shape.role_of(0)) != last {
            let first = shape.user(0);
            group.bench_function(format!("{name}-warm-deny/casbin"), |b| {
                b.iter(|| {
                    assert!(!enforcer.enforce(black_box((first.as_str(), last.as_str(), "read"))).unwrap())
                });
            });
        }
        drop(enforcer);

        // The answer to the same question, remembered.
        let cached = CachedEnforcer::new(model(), MemoryAdapter::default());
        let enforcer = runtime.block_on(async { fill(cached.await.unwrap(), shape).await });
        group.bench_function(format!("{name}-warm-allow/casbin-cached"), |b| {
            b.iter(|| assert!(enforcer.enforce(black_box((sub.as_str(), obj.as_str(), "read"))).unwrap()));
        });
    }
    group.finish();
}

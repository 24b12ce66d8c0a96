//! A harder policy: `rbac/hard-*`. A hundred thousand people hold five of ten thousand roles each; roles inherit
//! five deep and have two hundred rules of their own, of ten thousand permissions. Few people ask most (Zipf), and
//! half of the questions are denied.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use auth_benches::Numbers;
use auth_core::{AuthorizerExt, Effect, PolicyVersion, PrincipalId, testing::authenticated_as};
use auth_rbac::{PolicyBuilder, Rbac, Snapshot};
use criterion::Criterion;

use crate::{BATCH, NOW, Target};

const USERS: u64 = 100_000;
const ROLES: u64 = 10_000;
const PERMISSIONS: u64 = 10_000;
const ROLES_OF_A_USER: u64 = 5;
const DEPTH: u64 = 5;
const RULES_OF_A_ROLE: u64 = 200;
/// How many different questions there are.
const QUESTIONS: usize = 4_096;

fn user(n: u64) -> PrincipalId {
    PrincipalId::local_user(&format!("user{n}")).unwrap()
}

fn build() -> Snapshot {
    let mut numbers = Numbers::new(3);
    let mut policy = PolicyBuilder::new();
    let permissions: Vec<String> = (0..PERMISSIONS).map(|n| format!("kind{n}.read")).collect();
    for permission in &permissions {
        policy.permission(permission).unwrap();
    }
    let roles: Vec<String> = (0..ROLES).map(|n| format!("group{n}")).collect();
    for (n, role) in (0..).zip(&roles) {
        let mut filled = policy.role(role).unwrap();
        for _ in 0..RULES_OF_A_ROLE {
            filled.allow(&permissions[numbers.below(PERMISSIONS) as usize]).unwrap();
        }
        if n % DEPTH != 0 {
            filled.inherits(&roles[n as usize - 1]).unwrap();
        }
    }
    for n in 0..USERS {
        let who = user(n);
        for _ in 0..ROLES_OF_A_USER {
            policy.assign(&who, &roles[numbers.below(ROLES) as usize]).unwrap();
        }
    }
    policy.build(PolicyVersion::new(1)).unwrap()
}

/// Some person, few of them most often: the logarithm of the rank is even.
fn zipf(numbers: &mut Numbers) -> u64 {
    let even = numbers.below(1 << 32) as f64 / (1_u64 << 32) as f64;
    (USERS as f64).powf(even) as u64 - 1
}

/// People, permissions, and whether it is allowed: half of them are, by a check of their own.
fn questions(snapshot: &Snapshot) -> Vec<(u64, u64, bool)> {
    let mut numbers = Numbers::new(11);
    let mut all = Vec::new();
    while all.len() < QUESTIONS {
        let who = zipf(&mut numbers);
        let held = snapshot.permissions_of(&user(who));
        let wanted = all.len() % 2 == 0;
        let what = loop {
            let what = numbers.below(PERMISSIONS);
            let name = format!("kind{what}.read");
            if held.binary_search_by(|held| held.as_str().cmp(&name)).is_ok() == wanted {
                break what;
            }
        };
        all.push((who, what, wanted));
    }
    all
}

pub(crate) fn rows(c: &mut Criterion) {
    let start = Instant::now();
    let snapshot = build();
    println!("rbac/hard-build/ours: {:?}, once, names included", start.elapsed());
    println!("rbac/hard-resident/ours: {} bytes", snapshot.size_in_bytes());
    let questions = questions(&snapshot);

    let ids: Vec<_> = questions
        .iter()
        .map(|(who, what, wanted)| {
            let effect = if *wanted { Effect::Permit } else { Effect::NotApplicable };
            let who = snapshot.principal(&user(*who)).unwrap();
            (who, snapshot.permission(format!("kind{what}.read")).unwrap(), effect)
        })
        .collect();
    let mut next = 0;
    c.bench_function("rbac/hard-zipf-ids/ours", |b| {
        b.iter(|| {
            next = if next + 1 < ids.len() { next + 1 } else { 0 };
            let (who, what, effect) = ids[next];
            assert_eq!(snapshot.check(black_box(who), black_box(what)), effect);
        });
    });

    let targets: Vec<Target> = (0..PERMISSIONS).map(|n| Target::new(format!("kind{n}"))).collect();
    let rbac = Rbac::new(snapshot);
    let mut next = 0;
    c.bench_function("rbac/hard-zipf/ours", |b| {
        b.iter_custom(|count| {
            let mut elapsed = Duration::ZERO;
            let mut left = count;
            while left > 0 {
                let some = left.min(BATCH);
                let asked: Vec<_> = (0..some)
                    .map(|_| {
                        next = if next + 1 < questions.len() { next + 1 } else { 0 };
                        let (who, what, wanted) = questions[next];
                        (authenticated_as(&user(who), NOW), targets[what as usize].clone(), wanted)
                    })
                    .collect();
                let start = Instant::now();
                for (who, what, wanted) in &asked {
                    assert_eq!(rbac.require(black_box(&what.asked_by(who))).is_ok(), *wanted);
                }
                elapsed += start.elapsed();
                left -= some;
            }
            elapsed
        });
    });
}

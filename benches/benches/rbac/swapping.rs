//! What two threads make of it while a third puts other policies in force: `rbac/100000x10000-scaling`; and
//! `rbac/100000x10000-shared-names-scaling`, where both ask about one action and one tenant that were read at run time. A
//! permit holds copies of the two, and these are counted where both threads count.

use std::{
    hint::black_box,
    sync::{
        Barrier,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use auth_benches::{Numbers, Shape};
use auth_core::{
    Action, Authenticated, AuthorizerExt, Realm, Resource, ResourceKind, testing::authenticated_as,
};
use auth_rbac::{Rbac, Snapshot};

use crate::{NOW, Target, principal};

const ROUNDS: usize = 9;
const CHECKS: usize = 400_000;
/// Few enough people to be in each thread's cache: what is looked for is what threads do to each other.
const PEOPLE: usize = 64;
/// How many policies the third thread puts in force. They are built beforehand, for to build is work on a core, and
/// no part of a swap; what they replace is freed within it.
const SWAPS: usize = 64;
const PAUSE: Duration = Duration::from_millis(10);

fn ask(rbac: &Rbac, people: &[(Authenticated, Target)]) -> Duration {
    let start = Instant::now();
    for n in 0..CHECKS {
        let (who, what) = &people[n % people.len()];
        assert!(rbac.require(black_box(&what.asked_by(who))).is_ok());
    }
    start.elapsed()
}

fn on_two_threads(rbac: &Rbac, people: &[Vec<(Authenticated, Target)>; 2]) -> Duration {
    let barrier = Barrier::new(2);
    let one = |n: usize| {
        barrier.wait();
        ask(rbac, &people[n])
    };
    thread::scope(|scope| {
        let other = scope.spawn(|| one(1));
        one(0).max(other.join().unwrap())
    })
}

pub(crate) fn rows(rbac: &Rbac, build: &dyn Fn(u64) -> Snapshot, targets: &[Target], shape: Shape) {
    if !auth_benches::is_measuring() {
        return;
    }
    let mut numbers = Numbers::new(5);
    let mut people = || -> Vec<(Authenticated, Target)> {
        let mut one = || {
            let user = numbers.below(shape.users);
            let target = targets[(shape.role_of(user) / 10) as usize].clone();
            (authenticated_as(&principal(shape, user), NOW), target)
        };
        (0..PEOPLE).map(|_| one()).collect()
    };
    row("scaling", rbac, build, &[people(), people()]);
    row("shared-names-scaling", rbac, build, &shared_names(shape));
}

/// The first hundred people read the same kind of data. All of them ask for that of one tenant.
fn shared_names(shape: Shape) -> [Vec<(Authenticated, Target)>; 2] {
    let data = shape.data(0);
    let kind = ResourceKind::from_static(data.clone().leak());
    let target = Target {
        action: Action::parse(&format!("{data}.read")).unwrap(),
        resource: Resource::any(kind).of_tenant(Realm::local("acme").unwrap()),
    };
    let one = |user| (authenticated_as(&principal(shape, user), NOW), target.clone());
    [(0..50).map(one).collect(), (50..100).map(one).collect()]
}

/// Printed: how many times one thread's work two of them do in the same time.
fn row(name: &str, rbac: &Rbac, build: &dyn Fn(u64) -> Snapshot, people: &[Vec<(Authenticated, Target)>; 2]) {
    // What takes a policy's place has a larger version.
    let next = rbac.snapshot().unwrap().version().get() + 1;
    let mut policies: Vec<Snapshot> = (next..next + SWAPS as u64).rev().map(build).collect();
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let swapper = scope.spawn(|| {
            let mut swaps = 0;
            while !over.load(Ordering::Relaxed)
                && let Some(policy) = policies.pop()
            {
                rbac.replace(policy).unwrap();
                swaps += 1;
                thread::sleep(PAUSE);
            }
            swaps
        });
        let mut scales: Vec<f64> = (0..ROUNDS)
            .map(|_| {
                let alone = ask(rbac, &people[0]);
                2.0 * alone.as_secs_f64() / on_two_threads(rbac, people).as_secs_f64()
            })
            .collect();
        over.store(true, Ordering::Relaxed);
        let swaps = swapper.join().unwrap();
        scales.sort_by(f64::total_cmp);
        println!(
            "rbac/100000x10000-{name}/ours: {:.2} x on two threads (median of {ROUNDS}, {:.2} to {:.2}), {swaps} swaps",
            scales[ROUNDS / 2],
            scales[0],
            scales[ROUNDS - 1],
        );
    });
}

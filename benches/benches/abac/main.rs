//! Rules with conditions: `abac/<policy>/<implementation>`. Every answer is asserted.
//!
//! The attributes are in memory, in the application's own types, as they are for an application that has just loaded what
//! is asked for; the peer has its entities in memory as well. Both answer the same questions, one after the other.

mod workloads;

use std::hint::black_box;

use auth_core::{AccessRequest, Effect};
use auth_rbac::Engine;
use criterion::{Criterion, criterion_group, criterion_main};

use workloads::{NOW, Question, Workload};

fn all() -> Vec<Workload> {
    let mut all = Vec::new();
    for entities in [5, 20, 50] {
        all.extend([workloads::tinytodo(entities), workloads::github(entities), workloads::gdrive(entities)]);
    }
    for rules in [10, 100, 1_000, 10_000] {
        all.extend([workloads::many(rules, true), workloads::many(rules, false)]);
    }
    all
}

fn ask(workload: &Workload, question: &Question) -> bool {
    let request = AccessRequest::new(&question.who, &question.action, &question.resource, NOW)
        .with_principal_attributes(&question.person)
        .with_resource_attributes(&question.thing);
    workload.abac.evaluate(black_box(&request)).unwrap().effect() == Effect::Permit
}

fn ours(c: &mut Criterion) {
    for workload in all() {
        let allowed = workload.questions.iter().filter(|question| question.expected).count();
        println!("abac/{}: {allowed} of {} questions are allowed", workload.name, workload.questions.len());
        println!("abac/{}-resident/ours: {} bytes", workload.name, workload.abac.size_in_bytes());
        let mut next = 0;
        c.bench_function(&format!("abac/{}/ours", workload.name), |b| {
            b.iter(|| {
                next = if next + 1 < workload.questions.len() { next + 1 } else { 0 };
                let question = &workload.questions[next];
                assert_eq!(ask(&workload, question), question.expected);
            });
        });
    }
}

#[cfg(feature = "peers")]
fn peers(c: &mut Criterion) {
    use cedar_policy::{Authorizer, Context, Decision, Entities, EntityUid, PolicySet, Request};

    let id = |kind: &str, id: &str| format!("{kind}::\"{id}\"").parse::<EntityUid>().unwrap();
    for workload in all() {
        let policies: PolicySet = workload.cedar.parse().unwrap();
        let entities = Entities::from_json_value(workload.entities, None).unwrap();
        let authorizer = Authorizer::new();
        let questions: Vec<(Request, Decision)> = workload
            .questions
            .iter()
            .map(|question| {
                let kind = question.resource.kind().as_str();
                let kind = kind[..1].to_uppercase() + &kind[1..];
                let request = Request::new(
                    id("User", question.who.principal().id()),
                    id("Action", question.action.as_str()),
                    id(&kind, question.resource.id().unwrap()),
                    Context::empty(),
                    None,
                );
                (request.unwrap(), if question.expected { Decision::Allow } else { Decision::Deny })
            })
            .collect();
        let mut group = c.benchmark_group("abac");
        group.sample_size(if workload.name.ends_with("000") { 10 } else { 50 });
        let mut next = 0;
        group.bench_function(format!("{}/cedar", workload.name), |b| {
            b.iter(|| {
                next = if next + 1 < questions.len() { next + 1 } else { 0 };
                let (request, expected) = &questions[next];
                let answer = authorizer.is_authorized(black_box(request), &policies, &entities);
                assert_eq!(answer.decision(), *expected);
            });
        });
        group.finish();
    }
}

#[cfg(not(feature = "peers"))]
fn peers(_: &mut Criterion) {}

criterion_group!(benches, ours, peers);
criterion_main!(benches);

//! What a decision looks at beyond the request, what a permit obliges to, and what is written down of a denial.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use auth_web::{
    Circumstances, InformationPoint, ObligationHandler, Refusal, Visit,
    core::{
        AccessRequest, Action, Assurance, AuditEvent, Denial, DenialReason, Obligation, PolicyVersion,
        ResourceKind, StoreError,
    },
    rbac::{Abac, Actions, AttributeMap, AttributeName, Condition, Demand, Kinds, Rule, RuleName, Schema},
};

use crate::app::{Fixture, ORIGIN, fixture_with};

/// A rule about reading accounts.
fn rule(name: &str, condition: &str) -> Rule {
    Rule::permit(
        RuleName::parse(name).unwrap(),
        Actions::these([Action::from_static("users.read")]),
        Kinds::One(ResourceKind::from_static("users")),
        Condition::parse(condition).unwrap(),
    )
}

fn policy(rules: &[Rule]) -> Arc<Abac> {
    let mut schema = Schema::new();
    schema.action("users.read").unwrap().action("users.delete").unwrap();
    schema.principal("department", "text").unwrap().context("closed", "bool").unwrap();
    schema.resource("users", "archived", "bool").unwrap();
    Arc::new(Abac::compile(PolicyVersion::new(7), &schema, rules).unwrap())
}

fn denials(fixture: &Fixture) -> Vec<(DenialReason, Option<u64>, bool)> {
    let events = fixture.audit.events().into_iter();
    let denied = events.filter_map(|(_, event)| match event {
        AuditEvent::AccessDenied { reason, version, rule, .. } => {
            Some((reason, version.map(PolicyVersion::get), rule.is_some()))
        }
        _ => None,
    });
    denied.collect()
}

fn name(name: &str) -> AttributeName {
    AttributeName::parse(name).unwrap()
}

/// Knows as much as the header of the request says, which no application should believe.
struct Known;

#[async_trait]
impl InformationPoint for Known {
    async fn circumstances(
        &self,
        visit: &Visit,
        request: &AccessRequest<'_>,
    ) -> Result<Circumstances, Refusal> {
        assert_eq!(request.source(), visit.source());
        if request.action().as_str() != "users.read" {
            return Err(StoreError::not_written("no such table").into());
        }
        let id = request.principal().id().to_owned();
        Ok(Circumstances::new()
            .with_principal_attributes(AttributeMap::new().with(name("department"), id))
            .with_resource_attributes(AttributeMap::new().with(name("archived"), false))
            .with_context_attributes(AttributeMap::new().with(name("closed"), false)))
    }
}

/// A rule over attributes that the application has permits on a route, and without them nothing.
#[tokio::test]
async fn a_route_is_decided_by_what_the_application_knows() {
    let all = r#"principal.department == "ann" && !resource.archived && !context.closed"#;
    let with = |known: bool, condition: &str| {
        let policy = policy(&[rule("by-attributes", condition)]);
        fixture_with(|auth| match known {
            true => auth.authorizer(policy).information_point(Arc::new(Known)),
            false => auth.authorizer(policy),
        })
    };
    for (known, condition, expected) in [
        (true, all, 200),
        (false, all, 403),
        (true, r#"principal.department == "sales""#, 403),
        (true, "resource.archived || context.closed", 403),
    ] {
        let fixture = with(known, condition);
        let cookie = fixture.log_in().await;
        let read = fixture.get("/read", &[("cookie", &cookie)]).await;
        assert_eq!(read.status, expected, "{known} {condition}");
        let reason = if known { DenialReason::NotPermitted } else { DenialReason::Indeterminate };
        let told = denials(&fixture).into_iter().map(|(reason, ..)| reason).collect::<Vec<_>>();
        assert_eq!(told, if expected == 200 { vec![] } else { vec![reason] }, "{known} {condition}");
    }
}

/// What should be known and cannot be read is no denial, and no permit either.
#[tokio::test]
async fn circumstances_that_cannot_be_read_are_503() {
    let fixture = fixture_with(|auth| {
        auth.authorizer(policy(&[rule("all", "true")])).information_point(Arc::new(Known))
    });
    let cookie = fixture.log_in().await;
    let delete = fixture.send("POST", "/delete", &[("cookie", &cookie), ("origin", ORIGIN)]).await;
    assert_eq!(delete.status, 503);
    // Nobody is asked about who is not there.
    assert_eq!(fixture.send("POST", "/delete", &[("origin", ORIGIN)]).await.status, 401);
}

/// A token learns nothing of what lies beyond its scopes, not even whether it can be read.
#[tokio::test]
async fn nothing_is_looked_up_beyond_the_limits_of_a_token() {
    let fixture = fixture_with(|auth| {
        auth.authorizer(policy(&[rule("all", "true")])).information_point(Arc::new(Known))
    });
    let narrow = fixture.token(Some("users.read"));
    assert_eq!(fixture.get("/read", &[("authorization", &narrow)]).await.status, 200);
    let delete = fixture.send("POST", "/delete", &[("authorization", &narrow)]).await;
    assert_eq!(delete.status, 403);
    assert!(delete.header("www-authenticate").unwrap().contains("insufficient_scope"));
    assert_eq!(denials(&fixture), [(DenialReason::Scope, None, false)]);
    // Known cannot read it, as a token without limits finds.
    let wide = fixture.token(None);
    assert_eq!(fixture.send("POST", "/delete", &[("authorization", &wide)]).await.status, 503);
}

/// Denies by an error.
struct Strict;

#[async_trait]
impl InformationPoint for Strict {
    async fn circumstances(&self, _: &Visit, _: &AccessRequest<'_>) -> Result<Circumstances, Refusal> {
        Err(Denial::new(DenialReason::Forbidden).into())
    }
}

#[async_trait]
impl ObligationHandler for Strict {
    async fn discharge(&self, _: &Visit, _: &AccessRequest<'_>, _: &Obligation) -> Result<bool, Refusal> {
        Err(Denial::new(DenialReason::Forbidden).into())
    }
}

/// The log has every denial, whoever it comes from.
#[tokio::test]
async fn a_denial_of_the_application_is_written_down_as_well() {
    let owing = rule("owing", "true").with_obligation(Action::from_static("log"));
    for at_once in [true, false] {
        let policy = policy(std::slice::from_ref(&owing));
        let fixture = fixture_with(|auth| match at_once {
            true => auth.authorizer(policy).information_point(Arc::new(Strict)),
            false => auth.authorizer(policy).obligation_handler(Arc::new(Strict)),
        });
        let cookie = fixture.log_in().await;
        assert_eq!(fixture.get("/read", &[("cookie", &cookie)]).await.status, 403);
        assert_eq!(denials(&fixture), [(DenialReason::Forbidden, None, false)]);
    }
}

/// Does what it is told to do, and writes down what it did.
#[derive(Default)]
struct Register {
    done: Mutex<Vec<String>>,
    store_is_down: bool,
}

#[async_trait]
impl ObligationHandler for Register {
    async fn discharge(
        &self,
        _: &Visit,
        request: &AccessRequest<'_>,
        obligation: &Obligation,
    ) -> Result<bool, Refusal> {
        if self.store_is_down {
            return Err(StoreError::full().into());
        }
        if obligation.name.as_str() == "unheard-of" {
            return Ok(false);
        }
        let done = format!("{} for {}", obligation.name, request.principal().id());
        self.done.lock().unwrap().push(done);
        Ok(true)
    }
}

/// A permit on conditions is none before they are met, and one afterwards.
#[tokio::test]
async fn a_route_is_open_once_its_obligations_are_discharged() {
    let owing = |obligations: &[&'static str]| {
        obligations
            .iter()
            .fold(rule("owing", "true"), |rule, name| rule.with_obligation(Action::from_static(name)))
    };
    let ask = async |obligations: &[&'static str], handler: Option<Arc<Register>>| {
        let policy = policy(&[owing(obligations)]);
        let fixture = fixture_with(|auth| match handler {
            Some(handler) => auth.authorizer(policy).obligation_handler(handler),
            None => auth.authorizer(policy),
        });
        let cookie = fixture.log_in().await;
        (fixture.get("/read", &[("cookie", &cookie)]).await.status, denials(&fixture))
    };
    let denied = vec![(DenialReason::Obligation, Some(7), true)];

    assert_eq!(ask(&["log"], None).await, (403, denied.clone()));
    let register = Arc::new(Register::default());
    assert_eq!(ask(&["log", "tell"], Some(Arc::clone(&register))).await, (200, vec![]));
    assert_eq!(*register.done.lock().unwrap(), ["log for ann", "tell for ann"]);
    assert_eq!(ask(&["log", "unheard-of", "tell"], Some(Arc::clone(&register))).await, (403, denied));
    assert_eq!(register.done.lock().unwrap().len(), 3, "what comes after the one that fails is not begun");
    let down = Register { store_is_down: true, ..Register::default() };
    assert_eq!(ask(&["log"], Some(Arc::new(down))).await, (503, vec![]));
    assert_eq!(ask(&[], Some(register)).await, (200, vec![]));
}

/// A session that asks for more than it proves is of interest to whoever reads the log, also where the answer is a
/// challenge.
#[tokio::test]
async fn a_denial_that_becomes_a_challenge_is_written_down_too() {
    let fresh = Demand::fresh_within(Duration::from_secs(600));
    let (all, young) = (rule("all", "true"), rule("young", "context.auth.age <= 10m"));
    let (name, condition) =
        (RuleName::parse("stale").unwrap(), Condition::parse("context.auth.age > 10m").unwrap());
    let stale = Rule::deny(name, young.actions.clone(), young.resource.clone(), condition);
    let sure = rule("sure", "context.auth.assurance >= 2").with_challenge(Demand::at_least(Assurance::Aal2));
    for (rules, challenge, denial) in [
        (vec![young.clone()], None, (DenialReason::NotPermitted, Some(7), false)),
        (
            vec![young.with_challenge(fresh.clone())],
            Some("max_age=\"600\""),
            (DenialReason::NotPermitted, Some(7), false),
        ),
        (vec![sure], Some("acr_values=\"aal2\""), (DenialReason::NotPermitted, Some(7), false)),
        (
            vec![all, stale.with_challenge(fresh)],
            Some("max_age=\"600\""),
            (DenialReason::Forbidden, Some(7), true),
        ),
    ] {
        let fixture = fixture_with(|auth| auth.authorizer(policy(&rules)));
        let cookie = fixture.log_in().await;
        fixture.step(601);
        let read = fixture.get("/read", &[("cookie", &cookie)]).await;
        assert_eq!(read.status, if challenge.is_some() { 401 } else { 403 }, "{rules:?}");
        if let Some(challenge) = challenge {
            assert!(read.header("www-authenticate").unwrap().ends_with(challenge), "{rules:?}");
        }
        assert_eq!(denials(&fixture), [denial], "{rules:?}");
    }
}

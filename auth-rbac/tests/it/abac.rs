//! Rules with conditions.

mod attack;
mod conditions;
mod deciding;
mod explaining;
mod indexing;
mod loading;
mod round_trip;
mod seeds;
mod zero_trust;

use auth_core::{
    AccessRequest, Action, Authenticated, Authentication, Effect, Method, PolicyVersion, PrincipalId,
    Resource, ResourceKind, UnixTime,
};
use auth_rbac::{
    Abac, Actions, AttributeMap, AttributeName, Condition, Engine, Kinds, Rule, RuleName, Schema, Value,
    Verdict,
};

pub(crate) const V1: PolicyVersion = PolicyVersion::new(1);
/// 2026-01-30T10:30:00Z, a Friday.
pub(crate) const NOW: UnixTime = UnixTime::from_secs(1_769_769_000);
pub(crate) const READ: Action = Action::from_static("documents.read");
pub(crate) const EDIT: Action = Action::from_static("documents.edit");
pub(crate) const DOCUMENT: ResourceKind = ResourceKind::from_static("document");

/// Documents with an owner, and people with departments.
pub(crate) fn schema() -> Schema {
    let mut schema = Schema::new();
    schema.action("documents.read").unwrap().action("documents.edit").unwrap();
    schema.action_attribute("documents.edit", "writes", true).unwrap();
    for (name, declared) in [
        ("owner", "text?"),
        ("author", "principal?"),
        ("editors", "set<principal>?"),
        ("level", "integer?"),
        ("amount", "decimal?"),
        ("path", "text?"),
        ("departments", "set<text>?"),
        ("numbers", "set<integer>?"),
        ("public", "bool?"),
        ("expires", "time?"),
        ("keep", "duration?"),
        ("networks", "set<network>?"),
    ] {
        schema.resource("document", name, declared).unwrap();
    }
    schema.kind("folder").unwrap();
    schema.principal("departments", "set<text>?").unwrap().principal("clearance", "integer?").unwrap();
    schema.context("risk", "integer?").unwrap();
    schema
}

pub(crate) fn map(attributes: &[(&str, Value)]) -> AttributeMap {
    attributes.iter().fold(AttributeMap::new(), |map, (name, value)| {
        map.with(AttributeName::parse(name).unwrap(), value.clone())
    })
}

/// Who asks, for what, and under which circumstances.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) who: Authenticated,
    pub(crate) action: Action,
    pub(crate) resource: Resource,
    pub(crate) now: UnixTime,
    pub(crate) from: Option<&'static str>,
    pub(crate) principal: AttributeMap,
    pub(crate) of_resource: AttributeMap,
    pub(crate) context: AttributeMap,
}

/// Ann asks to read document 7.
pub(crate) fn asked() -> Asked {
    Asked {
        who: who(&PrincipalId::local_user("ann").unwrap()),
        action: READ,
        resource: Resource::one(DOCUMENT, "7").unwrap(),
        now: NOW,
        from: Some("10.1.2.3"),
        principal: AttributeMap::new(),
        of_resource: AttributeMap::new(),
        context: AttributeMap::new(),
    }
}

pub(crate) fn who(principal: &PrincipalId) -> Authenticated {
    let event = Authentication::new(principal.clone(), Method::PASSWORD, NOW, auth_core::AuthEpoch::ZERO);
    Authenticated::assertion(event)
}

impl Asked {
    pub(crate) fn with<T>(&self, then: impl FnOnce(&AccessRequest<'_>) -> T) -> T {
        let mut request = AccessRequest::new(&self.who, &self.action, &self.resource, self.now)
            .with_principal_attributes(&self.principal)
            .with_resource_attributes(&self.of_resource)
            .with_context_attributes(&self.context);
        if let Some(from) = self.from {
            request = request.from_address(from.parse().unwrap());
        }
        then(&request)
    }

    pub(crate) fn verdict(&self, engine: &dyn Engine) -> Verdict {
        self.with(|request| engine.evaluate(request).unwrap())
    }

    pub(crate) fn effect(&self, engine: &dyn Engine) -> Effect {
        self.verdict(engine).effect()
    }
}

pub(crate) fn condition(text: &str) -> Condition {
    Condition::parse(text).unwrap_or_else(|error| panic!("{error}"))
}

pub(crate) fn name(name: &str) -> RuleName {
    RuleName::parse(name).unwrap()
}

/// A rule about reading documents.
pub(crate) fn permit(rule: &str, text: &str) -> Rule {
    Rule::permit(name(rule), Actions::these([READ]), Kinds::One(DOCUMENT), condition(text))
}

pub(crate) fn deny(rule: &str, text: &str) -> Rule {
    Rule::deny(name(rule), Actions::these([READ]), Kinds::One(DOCUMENT), condition(text))
}

pub(crate) fn compile(rules: &[Rule]) -> Abac {
    Abac::compile(V1, &schema(), rules).unwrap_or_else(|error| panic!("{error}"))
}

/// What a condition is of a request: true, false, or neither.
pub(crate) fn truth(text: &str, asked: &Asked) -> Option<bool> {
    use auth_core::Indeterminate;
    match asked.effect(&compile(&[permit("the-rule", text)])) {
        Effect::Permit => Some(true),
        Effect::NotApplicable => Some(false),
        Effect::Indeterminate(Indeterminate::Permit) => None,
        other => panic!("{text}: {other:?}"),
    }
}

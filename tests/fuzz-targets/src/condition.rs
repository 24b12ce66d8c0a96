//! Conditions: as text, as trees, and evaluated.

use std::sync::LazyLock;

use auth_core::{
    AccessRequest, Action, Authenticated, Effect, Indeterminate, PolicyVersion, PrincipalId, Resource,
    ResourceKind, UnixTime, testing::authenticated_as,
};
use auth_rbac::{
    Abac, Actions, AttributeMap, AttributeName, Condition, Engine, Kinds, Predicate, Rule, RuleName, Schema,
    Value,
};

const READ: Action = Action::from_static("documents.read");
const DOCUMENT: ResourceKind = ResourceKind::from_static("document");
const NOW: UnixTime = UnixTime::from_secs(1_769_769_000);

/// A condition as text: what is read is what is written again, and what is refused says where.
pub fn condition(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match Condition::parse(text) {
        Ok(condition) => written(&condition),
        Err(error) => assert!(error.line() > 0 && error.column() > 0 && !error.excerpt().is_empty()),
    }
}

/// A condition as a tree in JSON.
pub fn condition_tree(bytes: &[u8]) {
    let Ok(tree) = serde_json::from_slice::<Predicate>(bytes) else { return };
    if let Ok(condition) = Condition::new(tree) {
        written(&condition);
        let again = serde_json::to_string(condition.tree()).unwrap();
        assert_eq!(serde_json::from_str::<Condition>(&again).unwrap(), condition);
    }
}

fn written(condition: &Condition) {
    let text = condition.to_string();
    let again = Condition::parse(&text).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(again.tree(), condition.tree());
    assert_eq!(again.to_string(), text);
}

struct World {
    schema: Schema,
    ann: Authenticated,
    full: AttributeMap,
    wrong: AttributeMap,
    person: AttributeMap,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let map = |attributes: &[(&str, Value)]| {
        attributes.iter().fold(AttributeMap::new(), |map, (name, value)| {
            map.with(AttributeName::parse(name).unwrap(), value.clone())
        })
    };
    let ann = PrincipalId::local_user("ann").unwrap();
    let full = [
        ("owner", Value::from("ann")),
        ("author", ann.clone().into()),
        ("level", 3.into()),
        ("amount", Value::Decimal("99.5".parse().unwrap())),
        ("path", "/reports/2026".into()),
        ("public", false.into()),
        ("expires", UnixTime::MAX.into()),
        ("keep", std::time::Duration::from_secs(3_600).into()),
        ("departments", Value::from(["finance", "law"].as_slice())),
        ("numbers", vec![1_i64, i64::MIN, i64::MAX].into()),
        ("networks", vec!["10.0.0.0/8".parse::<auth_core::Network>().unwrap()].into()),
    ];
    let mut schema = Schema::new();
    schema.action("documents.read").unwrap();
    for (name, value) in &full {
        schema.resource("document", name, &value.attribute_type().to_string()).unwrap();
    }
    schema.principal("departments", "set<text>").unwrap();
    let person = map(&[("departments", Value::from(["finance"].as_slice()))]);
    let wrong: Vec<(&str, Value)> = full.iter().map(|(name, _)| (*name, true.into())).collect();
    World { schema, ann: authenticated_as(&ann, NOW), full: map(&full), wrong: map(&wrong), person }
});

/// A condition, compiled and evaluated: a rule that allows says the same as one that forbids, no condition is true
/// together with its contrary, and an index changes nothing.
pub fn evaluation(bytes: &[u8]) {
    let Some(condition) = std::str::from_utf8(bytes).ok().and_then(|text| Condition::parse(text).ok()) else {
        return;
    };
    let Ok(contrary) = Condition::new(Predicate::Not(Box::new(condition.tree().clone()))) else { return };
    let compiled =
        |condition: &Condition, rule: fn(RuleName, Actions, Kinds, Condition) -> Rule, rules: usize| {
            let rules: Vec<Rule> = (0..rules)
                .map(|n| {
                    let name = RuleName::parse(&format!("rule{n}")).unwrap();
                    rule(name, Actions::these([READ]), Kinds::One(DOCUMENT), condition.clone())
                })
                .collect();
            Abac::compile(PolicyVersion::new(1), &WORLD.schema, &rules).ok()
        };
    let Some(permit) = compiled(&condition, Rule::permit, 1) else { return };
    let deny = compiled(&condition, Rule::deny, 1).unwrap();
    let contrary = compiled(&contrary, Rule::permit, 1).unwrap();
    let indexed = compiled(&condition, Rule::permit, 8).unwrap();
    let resource = Resource::one(DOCUMENT, "7").unwrap();
    let action = READ;
    let plain = AccessRequest::new(&WORLD.ann, &action, &resource, NOW);
    let known = plain.with_principal_attributes(&WORLD.person).from_address("10.0.0.1".parse().unwrap());
    for request in
        [plain, known.with_resource_attributes(&WORLD.full), known.with_resource_attributes(&WORLD.wrong)]
    {
        let effect = |engine: &Abac| engine.evaluate(&request).unwrap().effect();
        let (is, is_not, forbids) = match effect(&permit) {
            Effect::Permit => (Effect::Permit, Effect::NotApplicable, Effect::Deny),
            Effect::NotApplicable => (Effect::NotApplicable, Effect::Permit, Effect::NotApplicable),
            Effect::Indeterminate(Indeterminate::Permit) => {
                let doubt = Effect::Indeterminate(Indeterminate::Permit);
                (doubt, doubt, Effect::Indeterminate(Indeterminate::Deny))
            }
            other => panic!("{other:?}"),
        };
        assert_eq!((effect(&contrary), effect(&deny), effect(&indexed)), (is_not, forbids, is));
        let explanation = permit.explain(&request).unwrap();
        assert_eq!(explanation.verdict().effect(), is);
        assert!(!explanation.to_string().is_empty());
    }
}

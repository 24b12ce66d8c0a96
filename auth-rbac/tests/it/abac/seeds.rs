//! The cases that everybody starts with: department, classification, business hours.

use auth_core::{Effect, UnixTime};
use auth_rbac::{Abac, Rule, Schema, Value};

use super::{Asked, NOW, V1, asked, map};

const RULES: &str = r#"[
    {
        "name": "same-department", "effect": "permit", "actions": ["documents.read"], "resource": "document",
        "condition": "resource.department == principal.department"
    },
    {
        "name": "clearance", "effect": "deny", "actions": "*", "resource": "document",
        "condition": "resource.classification > principal.clearance"
    },
    {
        "name": "business-hours", "effect": "deny", "actions": "*", "resource": "*",
        "condition": "!(context.time.hour in 9..17 && context.time.weekday in 1..=5)"
    },
    {
        "name": "owner-edits", "effect": "permit", "actions": ["documents.edit"], "resource": "document",
        "condition": "resource.owner == principal.id && context.ip in cidr(\"10.0.0.0/8\")"
    }
]"#;

const SCHEMA: &str = r#"{
    "principal": { "department": "text", "clearance": "integer" },
    "resources": { "document": { "department": "text", "classification": "integer", "owner": "text?" } },
    "actions": { "documents.read": {}, "documents.edit": {} }
}"#;

fn office() -> Abac {
    let schema: Schema = serde_json::from_str(SCHEMA).unwrap();
    let rules: Vec<Rule> = serde_json::from_str(RULES).unwrap();
    Abac::compile(V1, &schema, &rules).unwrap()
}

fn ann(document: &[(&str, Value)]) -> Asked {
    Asked {
        principal: map(&[("department", "finance".into()), ("clearance", 2.into())]),
        of_resource: map(document),
        ..asked()
    }
}

#[test]
fn a_department_reads_its_documents() {
    for (department, effect) in
        [("finance", Effect::Permit), ("law", Effect::NotApplicable), ("Finance", Effect::NotApplicable)]
    {
        let asked = ann(&[("department", department.into()), ("classification", 1.into())]);
        assert_eq!(asked.effect(&office()), effect, "{department}");
    }
}

#[test]
fn a_classification_above_the_clearance_forbids() {
    for (classification, effect) in [(0, Effect::Permit), (2, Effect::Permit), (3, Effect::Deny)] {
        let asked = ann(&[("department", "finance".into()), ("classification", classification.into())]);
        assert_eq!(asked.effect(&office()), effect, "{classification}");
    }
    // A document that nobody has classified is read by nobody.
    assert!(matches!(ann(&[("department", "finance".into())]).effect(&office()), Effect::Indeterminate(_)));
}

#[test]
fn outside_of_business_hours_all_is_forbidden() {
    // From Friday, 10:30.
    for (hours, effect) in [
        (0, Effect::Permit),
        (6, Effect::Permit),
        (7, Effect::Deny),
        (24, Effect::Deny),
        (72, Effect::Permit),
    ] {
        let now = UnixTime::from_secs(NOW.as_secs() + hours * 3_600);
        let asked = Asked { now, ..ann(&[("department", "finance".into()), ("classification", 1.into())]) };
        assert_eq!(asked.effect(&office()), effect, "{hours} hours later");
    }
}

#[test]
fn an_owner_edits_from_the_office_network() {
    let document = [("owner", "ann".into()), ("department", "law".into()), ("classification", 1.into())];
    let edit = |from| Asked { action: super::EDIT, from, ..ann(&document) };
    assert_eq!(edit(Some("10.9.9.9")).effect(&office()), Effect::Permit);
    assert_eq!(edit(Some("192.0.2.1")).effect(&office()), Effect::NotApplicable);
    assert!(matches!(edit(None).effect(&office()), Effect::Indeterminate(_)));
}

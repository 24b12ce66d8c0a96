//! Policies as data.

use std::error::Error;

use auth_core::{
    AccessRequest, AttributeValue, Attributes, Authorizer, Decision, Effect, PrincipalId, PrincipalKind,
    Realm, Resource, ResourceKind,
};
use auth_rbac::{
    Engine, Policy,
    document::{DocumentError, PolicyDocument},
};

use crate::support::{NOW, action, effect, evaluate_on, user, who};

const OFFICE: &str = r#"
format = 1
version = 3
permissions = ["users.read", "users.delete", "users.export"]

[[roles]]
name = "support"
allow = ["users.read"]

[[roles]]
name = "admin"
inherits = ["support"]
allow = ["users.*"]
deny = ["users.export"]

[[roles]]
name = "admin"
tenant = "local:acme"
allow = ["users.delete"]

[[assignments]]
principal = "ann"
roles = ["admin"]

[[assignments]]
principal = { kind = "service", id = "ann" }
roles = ["support"]

[[assignments]]
principal = "bob"
roles = [{ name = "admin", tenant = "local:acme" }]

[[direct]]
principal = "eve"
allow = ["users.read"]

[[constraints]]
name = "two-admins"
kind = "static"
roles = ["admin", { name = "admin", tenant = "local:acme" }]
limit = 2

[acl]
order = "first-match"
permissions = ["folder.list", "doc.read", "doc.write"]
owner_keeps = [{ kind = "doc", permission = "doc.write" }]

[[acl.groups]]
name = "staff"
groups = ["interns"]

[[acl.groups]]
name = "interns"
members = ["ivy"]

[[acl.resources]]
resource = { kind = "doc", id = "1" }
inside = { kind = "folder", id = "f" }
owner = "bob"
entries = [{ effect = "deny", to = "everyone", permissions = ["doc.write"] }]

[[acl.resources]]
resource = { kind = "folder", id = "f" }
entries = [{ effect = "permit", to = { group = "staff" }, permissions = ["folder.list", "doc.read"] }]

[schema.actions]
"reports.read" = {}

[schema.principal]
departments = "set<text>"

[schema.resources.report]
department = "text"

[[rules]]
name = "own-department"
effect = "permit"
actions = ["reports.read"]
resource = "report"
condition = """
resource.department in principal.departments
&& context.time.hour in 0..12
"""
"#;

fn office() -> Policy {
    PolicyDocument::from_toml(OFFICE).unwrap().compile().unwrap()
}

fn on(policy: &Policy, who: &PrincipalId, permission: &str, resource: &Resource) -> Effect {
    evaluate_on(policy, who, &action(permission), resource).effect()
}

fn account() -> Resource {
    Resource::any(ResourceKind::from_static("users"))
}

#[test]
fn a_document_says_who_may_what() {
    let policy = office();
    assert_eq!(policy.version().get(), 3);
    let may = |who: &str, what: &str| on(&policy, &user(who), what, &account());
    assert_eq!(may("ann", "users.delete"), Effect::Permit);
    assert_eq!(may("ann", "users.export"), Effect::Deny);
    assert_eq!(may("eve", "users.read"), Effect::Permit);
    assert_eq!(may("eve", "users.delete"), Effect::NotApplicable);
    // The role of a tenant counts there alone.
    assert_eq!(may("bob", "users.delete"), Effect::NotApplicable);
    let acme = account().of_tenant(Realm::local("acme").unwrap());
    assert_eq!(on(&policy, &user("bob"), "users.delete", &acme), Effect::Permit);
    let service = PrincipalId::new(Realm::LOCAL, PrincipalKind::Service, "ann").unwrap();
    assert_eq!(on(&policy, &service, "users.read", &account()), Effect::Permit);
    assert_eq!(on(&policy, &service, "users.delete", &account()), Effect::NotApplicable);
}

#[test]
fn a_document_says_who_may_what_to_one_resource() {
    let policy = office();
    let doc = Resource::one(ResourceKind::from_static("doc"), "1").unwrap();
    assert_eq!(on(&policy, &user("ivy"), "doc.read", &doc), Effect::Permit);
    assert_eq!(on(&policy, &user("ivy"), "doc.write", &doc), Effect::Deny);
    assert_eq!(on(&policy, &user("bob"), "doc.write", &doc), Effect::Permit);
    assert_eq!(on(&policy, &user("ann"), "doc.read", &doc), Effect::NotApplicable);
}

#[test]
fn a_document_says_who_may_what_under_which_condition() {
    struct Department(&'static str);

    impl Attributes for Department {
        fn attribute(&self, name: &str) -> Option<AttributeValue<'_>> {
            match name {
                "department" => Some(AttributeValue::Text(self.0)),
                "departments" => Some(AttributeValue::Texts(&["finance", "sales"])),
                _ => None,
            }
        }
    }

    let policy = office();
    let report = Resource::one(ResourceKind::from_static("report"), "1").unwrap();
    let (who, what) = (who(&user("ann")), action("reports.read"));
    let ask = |department: &'static str, known: bool| {
        let department = Department(department);
        let mut request = AccessRequest::new(&who, &what, &report, NOW).with_resource_attributes(&department);
        if known {
            request = request.with_principal_attributes(&department);
        }
        let verdict = policy.evaluate(&request).unwrap();
        (verdict.effect(), policy.describe(&verdict).unwrap().to_string())
    };
    let (effect, told) = ask("finance", true);
    assert_eq!(effect, Effect::Permit);
    assert!(told.starts_with("permitted by rule own-department: resource.department in "), "{told}");
    assert_eq!(ask("legal", true), (Effect::NotApplicable, "no rule allows it".to_owned()));
    assert_eq!(ask("finance", false).0, Effect::Indeterminate(auth_core::Indeterminate::Permit));
}

/// Whichever model decided, the policy tells what it was.
#[test]
fn a_policy_describes_what_any_of_its_models_decided() {
    let policy = office();
    let doc = Resource::one(ResourceKind::from_static("doc"), "1").unwrap();
    let told = |who: &str, what: &str, resource: &Resource| {
        policy.describe(&evaluate_on(&policy, &user(who), &action(what), resource)).unwrap().to_string()
    };
    assert_eq!(told("ann", "users.read", &account()), "users.read allowed by role admin");
    assert_eq!(told("ivy", "doc.write", &doc), r#"doc.write denied to everyone by entry of doc "1""#);
    assert_eq!(told("eve", "doc.read", &doc), "no rule allows it");
    let (who, what) = (who(&user("ivy")), action("doc.read"));
    let request = AccessRequest::new(&who, &what, &doc, NOW);
    assert!(matches!(policy.decide(&request), Ok(Decision::Allow(_))));
    let explained = policy.explain(&request).unwrap().to_string();
    assert!(
        explained.contains(
            r#"doc.read allowed to group staff, through interns > staff, by inherited entry of folder "f""#
        ),
        "{explained}"
    );
}

fn syntax(text: &str) -> (usize, usize, String) {
    match PolicyDocument::from_toml(text) {
        Err(DocumentError::Syntax { line, column, message }) => (line, column, message),
        other => panic!("{other:?}"),
    }
}

/// What is not understood is refused, with its place.
#[test]
fn what_is_mistyped_is_refused_at_its_place() {
    let replaced = |from: &str, to: &str| {
        assert!(OFFICE.contains(from), "{from}");
        let text = OFFICE.replacen(from, to, 1);
        let line = OFFICE.lines().position(|line| line.contains(from)).unwrap() + 1;
        (syntax(&text), line)
    };
    for effect in ["Deny", "DENY", "deny ", "block", "allow", ""] {
        let ((at, column, message), line) = replaced(r#"effect = "deny""#, &format!("effect = {effect:?}"));
        assert_eq!(at, line, "{message}");
        assert!(column > 1 && message.contains("permit") && message.contains("deny"), "{message}");
    }
    for (from, to, said) in [
        ("limit = 2", "limits = 2", "limits"),
        ("format = 1", "format = 2", "format 1"),
        ("version = 3", "version = -3", "-3"),
        (r#"order = "first-match""#, r#"order = "First-Match""#, "First-Match"),
        (r#"kind = "static""#, r#"kind = "Static""#, "Static"),
        (r#"to = "everyone""#, r#"to = "Everyone""#, "Everyone"),
        (r#"to = "everyone""#, r#"to = { role = "admin" }"#, "role"),
        (r#"kind = "service""#, r#"kind = "Service""#, "Service"),
        (r#"name = "support""#, r#"name = "sup port""#, "not allowed"),
        (
            r#"inside = { kind = "folder", id = "f" }"#,
            r#"inside = { kind = "folder", id = "f", x = 1 }"#,
            "x",
        ),
        (r#"owner = "bob""#, r#"owner = "bo\u0000b""#, "not allowed"),
        (r#"principal = "eve""#, r#"principal = 7"#, "7"),
        (r#"departments = "set<text>""#, r#"departments = "Set<text>""#, ""),
        (r#""reports.read" = {}"#, r#""reports read" = {}"#, ""),
    ] {
        let ((at, _, message), line) = replaced(from, to);
        assert_eq!(at, line, "{to}: {message}");
        assert!(message.contains(said), "{to}: {message}");
    }
    // A condition is refused where it stands, with the place inside it.
    let broken = OFFICE.replacen("&& context.time.hour in 0..12", "&& context.time.hour im 0..12", 1);
    let (line, _, message) = syntax(&broken);
    assert!(line >= OFFICE.lines().position(|line| line.contains("condition =")).unwrap(), "{line}");
    assert!(message.contains("line 2, column 22") && message.contains('^'), "{message}");
    // A second table of one name, and a version that is missing.
    assert!(syntax(&OFFICE.replacen("version = 3", "version = 3\nversion = 4", 1)).2.contains("duplicate"));
    assert!(syntax(&OFFICE.replacen("version = 3\n", "", 1)).2.contains("version"));
}

/// In JSON, too: a key that comes twice is refused.
#[test]
fn json_is_read_as_strictly() {
    let json = PolicyDocument::from_toml(OFFICE).unwrap().to_json().unwrap();
    assert!(PolicyDocument::from_json(&json).is_ok());
    for (from, to) in [
        (r#""effect": "deny""#, r#""effect": "Deny""#),
        (r#""version": 3"#, r#""version": 3, "version": 3"#),
        (r#""version": 3"#, r#""version": 3, "admins": []"#),
        (r#""limit": 2"#, r#""limit": 2.5"#),
        (r#""format": 1"#, r#""format": 9"#),
    ] {
        assert!(json.contains(from), "{from} in {json}");
        let line = json.lines().position(|line| line.contains(from)).unwrap() + 1;
        match PolicyDocument::from_json(&json.replacen(from, to, 1)) {
            Err(DocumentError::Syntax { line: at, column, message }) => {
                assert_eq!(at, line, "{message}");
                assert!(column > 1 && !message.contains(" at line"), "{message}");
            }
            other => panic!("{other:?}"),
        }
    }
}

/// What the builders refuse, a document is refused for, by the item that is wrong.
#[test]
fn what_does_not_fit_together_is_refused_by_its_item() {
    let refused = |from: &str, to: &str| {
        assert!(OFFICE.contains(from), "{from}");
        let error = PolicyDocument::from_toml(&OFFICE.replacen(from, to, 1)).unwrap().compile().unwrap_err();
        format!("{error}: {}", error.source().unwrap())
    };
    for (from, to, said) in [
        (r#"inherits = ["support"]"#, r#"inherits = ["admin"]"#, "in roles: roles inherit in a circle"),
        (
            r#"inherits = ["support"]"#,
            r#"inherits = ["nobody"]"#,
            "in roles[1] (admin): there is no role nobody",
        ),
        (
            r#"allow = ["users.read"]"#,
            r#"allow = ["users.raed"]"#,
            "in roles[0] (support): there is no permission",
        ),
        (r#"name = "support""#, r#"name = "admin""#, "in roles[1] (admin): role admin is declared twice"),
        (r#"roles = ["admin"]"#, r#"roles = ["nobody"]"#, "in assignments[0]"),
        ("limit = 2", "limit = 9", r#"in constraints[0] ("two-admins")"#),
        (
            r#"roles = ["admin"]"#,
            r#"roles = ["admin", { name = "admin", tenant = "local:acme" }]"#,
            "in roles: ",
        ),
        ("resource.department in", "resource.departmant in", "in rules[0]: rule own-department: "),
        ("resource.department in", "resource.department ==", "in rules[0]: rule own-department: "),
        (
            r#"actions = ["reports.read"]"#,
            r#"actions = ["reports.raed"]"#,
            "in rules[0]: rule own-department: ",
        ),
        (r#"groups = ["interns"]"#, r#"groups = ["staff"]"#, "in acl: groups are inside each other"),
        (r#"groups = ["interns"]"#, r#"groups = ["nobody"]"#, "in acl.groups[0]: there is no group nobody"),
        (
            r#"{ kind = "folder", id = "f" }"#,
            r#"{ kind = "folder", id = "g" }"#,
            "in acl.resources[0]: there is no",
        ),
        (
            r#"permissions = ["doc.write"]"#,
            r#"permissions = ["doc.sign"]"#,
            "in acl.resources[0]: there is no permission",
        ),
        (
            r#"permissions = ["doc.write"]"#,
            "permissions = []",
            r#"in acl.resources[0]: an entry of doc "1" speaks of no permission"#,
        ),
    ] {
        let error = refused(from, to);
        assert!(error.starts_with(said), "{to}: {error}");
    }
}

/// A document that says nothing allows nothing.
#[test]
fn an_empty_document_allows_nothing() {
    let policy = PolicyDocument::from_toml("format = 1\nversion = 1\n").unwrap().compile().unwrap();
    assert_eq!(on(&policy, &user("ann"), "users.read", &account()), Effect::NotApplicable);
    assert!(PolicyDocument::from_toml("").is_err());
    assert!(PolicyDocument::from_json("{}").is_err());
}

/// What the front page and the module's documentation show are documents.
#[test]
fn the_examples_of_the_documentation_compile() {
    let module = include_str!("../../src/document.rs");
    let module: String = module
        .lines()
        .map_while(|line| line.strip_prefix("//!"))
        .map(|line| format!("{}\n", line.trim()))
        .collect();
    for page in [include_str!("../../README.md"), &module] {
        let example = page
            .split("```toml\n")
            .find(|block| block.starts_with("format = 1"))
            .unwrap()
            .split("```")
            .next()
            .unwrap();
        let policy = PolicyDocument::from_toml(example).unwrap().compile().unwrap();
        assert_eq!(on(&policy, &user("ann"), "invoices.pay", &account()), Effect::Permit);
    }
}

#[test]
fn a_schema_is_checked_without_rules_too() {
    let document = "format = 1\nversion = 1\n[schema.context]\n";
    let compile = |line: &str| PolicyDocument::from_toml(&format!("{document}{line}")).unwrap().compile();
    assert!(compile("risk = \"integer\"").is_ok());
    let error = compile("\"auth.age\" = \"duration\"").unwrap_err();
    assert_eq!(error.to_string(), "in schema");
}

/// What one model allows is allowed. A restriction is a rule that denies.
#[test]
fn a_rule_that_permits_restricts_nobody() {
    let policy = |effect: &str, condition: &str| {
        let text = format!(
            r#"
            format = 1
            version = 1
            permissions = ["invoices.read"]
            [[roles]]
            name = "clerk"
            allow = ["invoices.read"]
            [[assignments]]
            principal = "ann"
            roles = ["clerk"]
            [schema.actions]
            "invoices.read" = {{}}
            [schema.resources.thing]
            [[rules]]
            name = "office-hours"
            effect = "{effect}"
            actions = ["invoices.read"]
            resource = "thing"
            condition = "{condition}"
            "#
        );
        PolicyDocument::from_toml(&text).unwrap().compile().unwrap()
    };
    // It is a quarter past midnight.
    let permitting = policy("permit", "context.time.hour in 9..17");
    assert_eq!(effect(&permitting, &user("ann"), "invoices.read"), Effect::Permit);
    assert_eq!(effect(&permitting, &user("bob"), "invoices.read"), Effect::NotApplicable);
    let denying = policy("deny", "!(context.time.hour in 9..17)");
    assert_eq!(effect(&denying, &user("ann"), "invoices.read"), Effect::Deny);
}

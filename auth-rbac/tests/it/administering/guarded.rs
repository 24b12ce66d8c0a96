//! What lists and rules forbid, people do not do to a policy and do not hand out.

use std::{sync::Arc, time::Duration};

use auth_core::{
    Assurance, AuditEvent, AuthEpoch, Authenticated, Authentication, DenialReason, MemoryAudit, Method,
    Refusal, ResourceKind, UnixTime,
    testing::{FixedClock, block_on},
};
use auth_rbac::{
    AdminError, AdminPermissions, AttributeMap, AttributeName, Combiner, MemoryPolicy, PolicyChange,
    PolicyStore, Stack, StoredAdministration, document::PolicyDocument,
};

use super::{administer, allow, assign, lacks, shop, tried};
use crate::support::{NOW, user, who};

/// Ann assigns what she holds, which is reading and paying.
pub(super) const SHOP: &str = r#"
format = 1
version = 1
permissions = ["doc.read", "doc.pay", "policy.assign", "policy.edit", "policy.bind"]

[[roles]]
name = "reader"
allow = ["doc.read"]

[[roles]]
name = "cashier"
inherits = ["reader"]
allow = ["doc.pay"]

[[roles]]
name = "assigner"
inherits = ["cashier"]
allow = ["policy.assign"]

[[roles]]
name = "binder"
inherits = ["assigner"]
allow = ["policy.bind"]

[[roles]]
name = "root"
allow = ["**"]

[[assignments]]
principal = "ann"
roles = ["assigner"]

[[assignments]]
principal = "bea"
roles = ["binder"]
"#;

/// The shop, with more to forbid.
fn shop_with(more: &str) -> (StoredAdministration, Arc<MemoryAudit>) {
    let store = Arc::new(MemoryPolicy::new());
    let document = PolicyDocument::from_toml(&format!("{SHOP}{more}")).unwrap();
    let _ = block_on(store.save(auth_core::PolicyVersion::new(0), &document)).unwrap();
    let audit = Arc::new(MemoryAudit::new(1_000));
    let administration = StoredAdministration::new(
        store,
        AdminPermissions::default(),
        Arc::clone(&audit) as _,
        Arc::new(FixedClock(NOW)),
    );
    (administration.with_refusals(Arc::clone(&audit) as _), audit)
}

fn outcome(more: &str, by: &str, change: PolicyChange) -> Result<(), String> {
    let (administration, _) = shop_with(more);
    match block_on(administration.by(&who(&user(by))).apply(&[change])) {
        Ok(_) => Ok(()),
        Err(AdminError::Escalation { missing }) => Err(missing),
        Err(AdminError::Refused(refusal)) => Err(refusal.status().to_string()),
        Err(other) => panic!("{other}"),
    }
}

/// A rule, with what it needs to be declared.
fn rule(actions: &str, resource: &str, condition: &str) -> String {
    format!(
        r#"
[schema.principal]
trainee = "bool"
[schema.actions]
"doc.pay" = {{}}
"policy.assign" = {{}}
[schema.resources.doc]
amount = "integer"
[schema.resources.policy]
[[rules]]
name = "no"
effect = "deny"
actions = {actions}
resource = "{resource}"
condition = "{condition}"
"#
    )
}

/// Whom a rule or a list denies something, in whichever words, holds it no more than whom a role denies it.
#[test]
fn what_rules_forbid_is_neither_done_nor_handed_out() {
    let give = |more: &str, by| outcome(more, by, assign("zoe", "cashier"));
    assert_eq!(give("", "ann"), Ok(()));
    for forbids in [
        rule("[\"policy.assign\"]", "policy", "true"),
        rule("[\"policy.assign\"]", "*", "true"),
        rule("\"*\"", "*", "true"),
        // It cannot be evaluated, for nobody says whether ann is a trainee.
        rule("[\"policy.assign\"]", "policy", "principal.trainee"),
        "[acl]\npermissions_on = [{ kind = \"policy\", permission = \"policy.assign\" }]\n[[acl.resources]]\n\
            resource = { kind = \"policy\" }\nentries = [{ effect = \"deny\", to = { principal = \"ann\" }, \
            permissions = [\"policy.assign\"] }]"
            .to_owned(),
    ] {
        assert_eq!(give(&forbids, "ann"), lacks("403"), "{forbids}");
    }
    for forbids in [
        rule("[\"doc.pay\"]", "doc", "true"),
        rule("[\"doc.pay\"]", "*", "true"),
        rule("\"*\"", "doc", "true"),
        // Of some documents, so not of all.
        rule("[\"doc.pay\"]", "doc", "resource.amount > 1000"),
        rule("[\"doc.pay\"]", "doc", "has resource.amount && resource.amount > 1000"),
        rule("[\"doc.pay\"]", "doc", "has resource.id && resource.id == \\\"7\\\""),
        rule("[\"doc.pay\"]", "doc", "has resource.tenant && resource.tenant == \\\"acme\\\""),
        rule("[\"doc.pay\"]", "*", "resource.kind == \\\"doc\\\""),
        // Roles speak of all kinds, those too that no schema declares.
        rule("[\"doc.pay\"]", "*", "resource.kind != \\\"doc\\\" && resource.kind != \\\"policy\\\""),
        "[acl]\npermissions_on = [{ kind = \"doc\", permission = \"doc.pay\" }]\n[[acl.resources]]\n\
            resource = { kind = \"doc\" }\nentries = [{ effect = \"deny\", to = { principal = \"ann\" }, \
            permissions = [\"doc.pay\"] }]"
            .to_owned(),
    ] {
        let first = if forbids.contains("\"*\"") { "doc.read" } else { "doc.pay" };
        let found = give(&forbids, "ann");
        assert!(found == lacks("doc.pay") || found == lacks(first), "{forbids}: {found:?}");
        assert_eq!(give(&forbids, "bea"), Ok(()), "who binds hands out what they do not hold: {forbids}");
    }
    let rules = rule("[\"doc.pay\"]", "doc", "true");
    assert_eq!(outcome(&rules, "ann", assign("zoe", "reader")), Ok(()), "of other things, nothing is lost");
    assert_eq!(give(&rule("[\"doc.pay\"]", "doc", "false"), "ann"), Ok(()));
}

/// One list on one resource denies ann something.
fn listed(order: &str, resource: &str, entries: &str) -> String {
    format!(
        "[acl]\n{order}permissions_on = [{{ kind = \"doc\", permission = \"doc.pay\" }}]\n\
        [[acl.groups]]\nname = \"staff\"\nmembers = [\"ann\"]\n[[acl.resources]]\n\
        resource = {{ kind = \"doc\"{resource} }}\nentries = [{entries}]"
    )
}

/// Whoever gets it may do it to every resource, so to the one where its giver may not.
#[test]
fn what_a_list_denies_on_one_resource_is_not_handed_out() {
    let entry = |effect: &str, to: &str| {
        format!("{{ effect = \"{effect}\", to = {to}, permissions = [\"doc.pay\"] }},")
    };
    let (ann, staff, all) = ("{ principal = \"ann\" }", "{ group = \"staff\" }", "\"everyone\"");
    let give = |order: &str, resource: &str, entries: &str, tenant: Option<&str>| {
        let change = match tenant {
            None => assign("zoe", "cashier"),
            Some(tenant) => PolicyChange::Assign {
                principal: user("zoe"),
                role: auth_core::RoleName::from_static("cashier").into(),
                tenant: Some(tenant.parse().unwrap()),
            },
        };
        outcome(&listed(order, resource, entries), "ann", change)
    };
    for to in [ann, staff, all] {
        for resource in ["", ", id = \"42\"", ", tenant = \"acme\"", ", id = \"42\", tenant = \"acme\""] {
            let found = give("", resource, &entry("deny", to), None);
            assert_eq!(found, lacks("doc.pay"), "{to} {resource}");
        }
    }
    let deny = entry("deny", ann);
    assert_eq!(give("", ", id = \"42\", tenant = \"acme\"", &deny, Some("acme")), lacks("doc.pay"));
    assert_eq!(give("", ", id = \"42\", tenant = \"acme\"", &deny, Some("other")), Ok(()));
    assert_eq!(give("", ", id = \"42\"", &deny, Some("acme")), Ok(()), "a tenant's role goes no further");
    // What is denied to others, or allowed first, is none of hers.
    assert_eq!(give("", ", id = \"42\"", &entry("deny", "{ principal = \"zoe\" }"), None), Ok(()));
    assert_eq!(give("", ", id = \"42\"", &entry("deny", "\"owner\""), None), Ok(()));
    let (allow_first, deny_first) = (entry("permit", ann) + &deny, deny.clone() + &entry("permit", ann));
    let first_match = "order = \"first-match\"\n";
    assert_eq!(give(first_match, ", id = \"42\"", &allow_first, None), Ok(()));
    assert_eq!(give(first_match, ", id = \"42\"", &deny_first, None), lacks("doc.pay"));
    assert_eq!(give("", ", id = \"42\"", &allow_first, None), lacks("doc.pay"));
    let binds = listed("", ", id = \"42\"", &entry("deny", all));
    assert_eq!(outcome(&binds, "bea", assign("zoe", "cashier")), Ok(()));
}

/// A rule that permits makes nobody an administrator: roles do.
#[test]
fn what_rules_permit_makes_no_administrator() {
    let permit = rule("[\"policy.assign\"]", "policy", "true").replace("deny", "permit");
    assert_eq!(outcome(&permit, "zoe", assign("zoe", "reader")), lacks("403"));
    // Nor does it lift what nobody here can do first.
    let obliged = format!("{permit}obligations = [\"tell.somebody\"]\n");
    assert_eq!(outcome(&obliged, "ann", assign("zoe", "reader")), lacks("403"));
}

/// RFC 9470: what a stronger or fresher authentication would lift is answered by asking for it.
#[test]
fn a_rule_asks_administrators_for_a_second_factor() {
    let rules = rule("[\"policy.assign\"]", "policy", "context.auth.assurance < 2 || context.auth.age > 10m")
        + "challenge = { assurance = \"aal2\", max_age = \"10m\" }\n";
    let (administration, audit) = shop_with(&rules);
    let change = [assign("zoe", "reader")];
    let refused = block_on(administration.by(&who(&user("ann"))).apply(&change)).unwrap_err();
    let AdminError::Refused(Refusal::Challenged(challenge)) = &refused else { panic!("{refused:?}") };
    assert_eq!(challenge.assurance, Some(Assurance::Aal2));
    assert_eq!(challenge.max_age, Some(Duration::from_secs(600)));
    assert!(matches!(
        audit.events().as_slice(),
        [(_, AuditEvent::AccessDenied { reason: DenialReason::Forbidden, rule: Some(_), .. })]
    ));
    let with_two = |at: UnixTime| {
        let event = Authentication::new(user("ann"), Method::PASSWORD, at, AuthEpoch::ZERO)
            .with_assurance(Assurance::Aal2);
        block_on(administration.by(&Authenticated::assertion(event)).apply(&change))
    };
    assert!(with_two(UnixTime::from_secs(NOW.as_secs() - 601)).is_err());
    with_two(NOW).unwrap();
}

/// Whoever asks is known by more than a name.
#[test]
fn attributes_of_who_asks_are_looked_at() {
    let (administration, _) = shop_with(&rule("[\"policy.assign\"]", "policy", "principal.trainee"));
    let trainee = |is: bool| {
        let attributes = AttributeMap::new().with(AttributeName::parse("trainee").unwrap(), is);
        let by = administration.by(&who(&user("ann"))).with_principal_attributes(Arc::new(attributes));
        block_on(by.apply(&[assign("zoe", "reader")]))
    };
    assert!(matches!(trainee(true), Err(AdminError::Refused(_))));
    trainee(false).unwrap();
}

/// Beside roles that a program builds, the rest is named.
#[test]
fn an_administration_of_roles_asks_its_guard() {
    let rules = |text: String| {
        let document = PolicyDocument::from_toml(&format!("format = 1\nversion = 1\n{text}")).unwrap();
        Arc::new(document.compile().unwrap())
    };
    let docs = [ResourceKind::from_static("doc")];
    for (more, change, expected) in [
        (rule("[\"doc.pay\"]", "doc", "true"), assign("zoe", "reader"), Ok(())),
        (rule("[\"policy.assign\"]", "policy", "true"), assign("zoe", "reader"), lacks("403")),
        (rule("[\"policy.assign\"]", "policy", "true"), allow("reader", "doc.read"), Ok(())),
        (rule("\"*\"", "doc", "true"), assign("zoe", "reader"), lacks("doc.read")),
    ] {
        let policy = {
            let mut policy = shop();
            policy.deny_principal(&user("root"), "policy.bind").unwrap();
            policy.deny_principal(&user("root"), "policy.escalate").unwrap();
            policy
        };
        let (administration, _) = administer(policy);
        let stack =
            Stack::new(Combiner::DenyOverrides, administration.rbac().clone()).with(rules(more.clone()));
        let administration = administration.guarded_by(Arc::new(stack), docs.clone());
        assert_eq!(tried(&administration, &who(&user("root")), change), expected, "{more}");
    }
}

//! What a policy says without effect.

use std::fs;

use super::{POLICY, changed, text, tool};

/// What may be meant is said, and is no failure.
#[test]
fn what_may_be_meant_is_a_note() {
    let lint = |from: &str, to: &str| {
        let (_folder, path) = changed(from, to);
        let output = tool(&["lint", "--policy", &path], b"");
        (output.status.code(), text(&output))
    };
    let (code, said) = lint(r#"allow = ["invoices.read"]"#, r#"allow = ["invoices.read", "reports.read"]"#);
    assert_eq!(code, Some(1), "not a permission: {said}");
    let (code, said) = lint(
        "permissions = [\"invoices.read\", \"invoices.pay\", \"invoices.delete\"]\n\n[[roles]]\nname = \"clerk\"\nallow = [\"invoices.read\"]",
        "permissions = [\"invoices.read\", \"invoices.pay\", \"invoices.delete\", \"reports.read\"]\n\n[[roles]]\nname = \"clerk\"\nallow = [\"invoices.read\", \"reports.*\"]",
    );
    assert_eq!(code, Some(0), "{said}");
    assert!(said.starts_with("note: rule own-department permits reports.read, which roles"), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    let (code, said) = lint(
        "principal = \"ann\"\nroles = [\"cashier\"]",
        "principal = \"ann\"\nroles = [\"cashier\"]\n\n[[assignments]]\nprincipal = \"tess\"\ntenant = \"local:acme\"\nroles = [\"clerk\"]",
    );
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("note: \"ann\" holds role cashier in every tenant\n"), "{said}");
    assert!(!said.contains("tess"), "{said}");
}

/// What a rule can take away depends on how models are combined, and a rule that denies in vain looks like protection.
#[test]
fn what_restricts_roles_depends_on_the_combiner() {
    let lint = |combiner: &str, rule: &str| {
        let with_rule = format!("{rule}\ncondition = 'context.time.hour in 9..17'\n\n[[rules]]");
        let (_folder, path) = changed("[[rules]]", &with_rule);
        let policy = fs::read_to_string(&path).unwrap();
        let policy = policy.replacen("version = 1", &format!("version = 1\ncombining = \"{combiner}\""), 1);
        let policy =
            policy.replacen("\"reports.read\" = {}", "\"reports.read\" = {}\n\"invoices.read\" = {}", 1);
        fs::write(&path, policy).unwrap();
        let output = tool(&["lint", "--policy", &path], b"");
        (output.status.code(), text(&output))
    };
    let rule = |effect: &str, actions: &str| {
        format!("[[rules]]\nname = \"x\"\neffect = \"{effect}\"\nactions = {actions}\nresource = \"*\"")
    };
    let permit = rule("permit", "[\"invoices.read\"]");
    let deny = rule("deny", "[\"invoices.read\"]");
    let (code, said) = lint("deny-overrides", &permit);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.ends_with("whatever the rule says: only a rule that denies restricts them\n"), "{said}");
    assert_eq!(lint("deny-overrides", &deny), (Some(0), String::new()));
    for combiner in ["permit-overrides", "first-applicable"] {
        let (code, said) = lint(combiner, &permit);
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains(&format!("no rule restricts them under {combiner}")), "{said}");
        for (rule, denied) in [(&deny, "invoices.read"), (&rule("deny", "\"*\""), "every action")] {
            let (code, said) = lint(combiner, rule);
            assert_eq!(code, Some(1), "{said}");
            assert!(
                said.starts_with(&format!("unreachable: rule x denies {denied} to nobody whom")),
                "{said}"
            );
            assert_eq!(said.lines().count(), 1, "{said}");
        }
    }
}

#[test]
fn what_has_no_effect_is_found() {
    let clean = tool(&["lint", "--policy", POLICY], b"");
    assert_eq!((clean.status.code(), text(&clean)), (Some(0), String::new()));
    let lint = |from: &str, to: &str| {
        let (_folder, path) = changed(from, to);
        let output = tool(&["lint", "--policy", &path], b"");
        assert_eq!(output.status.code(), Some(1), "{to}");
        text(&output)
    };
    for (from, to, found) in [
        ("[[assignments]]", "[[roles]]\nname = \"x\"\n\n[[assignments]]", "unused: nobody holds role x"),
        (
            r#"roles = ["cashier"]"#,
            "roles = [\"both\"]\n\n[[roles]]\nname = \"both\"\ninherits = [\"clerk\", \"cashier\"]",
            "redundant: role both inherits clerk through cashier already",
        ),
        (
            r#"allow = ["invoices.pay"]"#,
            r#"allow = ["invoices.pay", "invoices.read"]"#,
            "redundant: role cashier allows invoices.read, which it inherits from clerk",
        ),
        (
            r#"deny = ["invoices.**"]"#,
            "deny = [\"invoices.**\"]\nallow = [\"invoices.read\"]",
            "unreachable: role suspended allows invoices.read, which role suspended denies",
        ),
        (
            r#""invoices.delete"]"#,
            r#""invoices.delete", "orders.lock"]"#,
            "unused: no role and no principal is allowed or denied orders.lock",
        ),
        (
            r#"name = "interns""#,
            "name = \"interns\"\n\n[[acl.groups]]\nname = \"others\"",
            "unused: no entry is for group others",
        ),
        (
            r#"entries = [{ effect = "deny", to = { group = "interns" }, permissions = ["doc.read"] }]"#,
            r#"entries = [{ effect = "deny", to = "everyone", permissions = ["doc.read"] }, { effect = "permit", to = "owner", permissions = ["doc.read"] }]"#,
            "unreachable: entry 1 of doc \"salaries\", because of entry 0",
        ),
        (
            r#"condition = '!(context.ip in cidr("10.0.0.0/8"))'"#,
            r#"condition = "true""#,
            "unreachable: rule own-department, because of rule not-from-outside",
        ),
        (
            r#"condition = '!(context.ip in cidr("10.0.0.0/8"))'"#,
            r#"condition = "false""#,
            "unreachable: the condition of rule not-from-outside is never true",
        ),
        (
            "[acl]",
            "[[constraints]]\nname = \"apart\"\nkind = \"static\"\nroles = [\"cashier\", \"suspended\"]\nlimit = 2\n\n[acl]",
            "error: in roles",
        ),
        (
            "[acl]",
            "[[roles]]\nname = \"both\"\ninherits = [\"cashier\", \"suspended\"]\n\n[[roles]]\nname = \"x\"\n\n[[constraints]]\nname = \"apart\"\nkind = \"static\"\nroles = [\"cashier\", \"suspended\", \"x\"]\nlimit = 3\n\n[[constraints]]\nname = \"books\"\nkind = \"dynamic\"\nroles = [\"cashier\", \"suspended\"]\nlimit = 2\n\n[acl]",
            "unreachable: role both alone is against books, so it is never active",
        ),
        (
            "[acl]",
            "[[roles]]\nname = \"x\"\n\n[[roles]]\nname = \"both\"\ninherits = [\"cashier\", \"x\"]\n\n[[constraints]]\nname = \"apart\"\nkind = \"static\"\nroles = [\"cashier\", \"x\"]\nlimit = 2\n\n[acl]",
            "unreachable: role both alone is against apart, so it is never held",
        ),
    ] {
        let said = lint(from, to);
        assert!(said.contains(found), "{to}: {said}");
    }
}

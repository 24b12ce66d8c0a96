//! Drives the tool as a person and as a program would.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "test code")]

use std::{
    fs,
    io::Write,
    path::PathBuf,
    process::{Command, Output, Stdio},
};

use serde_json::{Value, json};

const POLICY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/office/policy.toml");
const TESTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/office/tests.toml");

fn tool(arguments: &[&str], input: &[u8]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_authz"));
    let piped = command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = piped.stderr(Stdio::piped()).spawn().unwrap();
    // A tool that refuses its arguments does not read.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn error(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn batch(lines: &[u8]) -> Vec<Value> {
    let output = tool(&["batch", "--policy", POLICY], lines);
    assert!(output.status.success(), "{}", error(&output));
    text(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn ask(request: &Value) -> Value {
    batch(request.to_string().as_bytes()).remove(0)
}

/// The office's policy with a part of it replaced.
fn changed(from: &str, to: &str) -> (tempfile::TempDir, String) {
    let policy = fs::read_to_string(POLICY).unwrap();
    assert!(policy.contains(from), "{from}");
    let folder = tempfile::tempdir().unwrap();
    let path: PathBuf = folder.path().join("policy.toml");
    fs::write(&path, policy.replacen(from, to, 1)).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (folder, path)
}

#[test]
fn a_request_is_decided_and_explained() {
    let check = |command: &str, who: &str, action: &str, rest: &[&str]| {
        let mut arguments =
            vec![command, "--policy", POLICY, "--principal", who, "--action", action, "--kind"];
        arguments.extend(rest);
        let output = tool(&arguments, b"");
        (output.status.code(), text(&output))
    };
    assert_eq!(
        check("check", "ann", "invoices.read", &["invoices"]),
        (Some(0), "allow: invoices.read allowed by role cashier > clerk\n".to_owned())
    );
    assert_eq!(
        check("check", "eve", "invoices.read", &["invoices", "--id", "7"]),
        (Some(1), "deny: forbidden: invoices.read denied by role suspended\n".to_owned())
    );
    let denied = r#"deny: forbidden: doc.read denied to group interns by entry of doc "salaries""#;
    let (code, explained) = check("explain", "ivy", "doc.read", &["doc", "--id", "salaries"]);
    assert!(code == Some(1) && explained.starts_with(denied), "{explained}");
    assert!(explained.lines().count() >= 3 && explained.contains("deny-overrides of"), "{explained}");
    // Bob owns it, and an owner keeps reading.
    assert_eq!(check("check", "bob", "doc.read", &["doc", "--id", "salaries"]).0, Some(0));
    let request = r#"{"principal": "ann", "action": "invoices.pay", "resource": {"kind": "invoices"}}"#;
    assert_eq!(tool(&["check", "--policy", POLICY, "--request", request], b"").status.code(), Some(0));
    assert_eq!(
        tool(&["check", "--policy", "nowhere.toml", "--request", request], b"").status.code(),
        Some(2)
    );
    assert_eq!(tool(&["check", "--policy", POLICY], b"").status.code(), Some(2));
}

/// Answers come in order, one for each line, whatever is in the lines.
#[test]
fn a_line_that_makes_no_sense_is_answered_and_is_not_the_end() {
    let good = r#"{"id": 1, "principal": {"id": "ann"}, "action": "invoices.read", "resource": {"kind": "invoices"}}"#;
    let mut input = Vec::new();
    for line in [
        good,
        "no json",
        "",
        r#"{"id": "x"}"#,
        r#"{"id": 2.50, "principal": {"id": "ann", "id": "bob"}, "action": "a", "resource": {"kind": "k"}}"#,
        r#"{"id": [3], "principal": {"id": ""}, "action": "a", "resource": {"kind": "k"}}"#,
        r#"{"id": null, "principal": {"id": "ann"}, "action": "a b", "resource": {"kind": "k"}}"#,
        r#"{"principal": {"id": "ann"}, "action": "a", "resource": {}}"#,
        r#"{"id": 5, "principal": {"id": "ann"}, "action": "a", "resource": {"kind": "k"}, "admin": true}"#,
        r#"{"id": 6, "principal": {"id": "ann"}, "action": "a", "resource": {"kind": "k"}, "context": {"ip": "10.0.0"}}"#,
        r#"{"id": 7, "principal": {"id": "ann"}, "action": "a", "resource": {"kind": "k"}, "context": {"auth": {"x": 1}}}"#,
        r#"{"id": 8, "principal": {"id": "ann", "departments": "finance"}, "action": "a", "resource": {"kind": "k"}}"#,
        r#"{"id": 9, "principal": {"id": "ann", "clearance": 9}, "action": "a", "resource": {"kind": "k"}}"#,
    ] {
        input.extend_from_slice(line.as_bytes());
        input.push(b'\n');
    }
    input.extend_from_slice(b"\xff\xfe\n");
    input.extend_from_slice(&vec![b'['; 2 << 20]);
    input.push(b'\n');
    input.extend_from_slice(&[b"[".repeat(100_000), b"\n".to_vec()].concat());
    input.extend_from_slice(good.as_bytes());
    let answers = batch(&input);
    assert_eq!(answers.len(), 16);
    for (place, answer) in answers.iter().enumerate() {
        // Whether serde_json keeps the order is for another package of the build to say.
        let mut keys: Vec<_> = answer.as_object().unwrap().keys().collect();
        keys.sort_unstable();
        assert_eq!(keys, ["decision", "id", "reason"], "{answer}");
        let expected = if place == 0 || place == 15 { "allow" } else { "error" };
        assert_eq!(answer["decision"], expected, "{place}: {answer}");
    }
    let ids: Vec<&Value> = answers.iter().map(|answer| &answer["id"]).collect();
    assert_eq!((ids[0], ids[2], ids[4], ids[8]), (&json!(1), &json!("x"), &json!([3]), &json!(6)));
    assert_eq!(ids[15], 1);
}

#[test]
fn limits_of_the_credential_come_before_the_policy() {
    let with = |limits: Value| {
        ask(&json!({
            "id": 1, "principal": {"id": "ann", "limits": limits}, "action": "invoices.read",
            "resource": {"kind": "invoices"}
        }))
    };
    assert_eq!(with(json!({}))["decision"], "allow");
    assert_eq!(
        with(json!({"scopes": ["invoices.pay"]})),
        json!({"id": 1, "decision": "deny", "reason": "scope"})
    );
    assert_eq!(with(json!({"tenant": "local:acme"}))["reason"], "tenant");
    assert_eq!(with(json!({"networks": ["10.0.0.0/8"]}))["reason"], "network");
    assert_eq!(with(json!({"scope": []}))["decision"], "error");
}

#[test]
fn attributes_decide_and_a_missing_one_allows_nothing() {
    let with = |principal: Value, context: Value| {
        ask(&json!({
            "id": 1, "principal": principal, "action": "reports.read",
            "resource": {"type": "report", "id": "q3", "attributes": {"department": "finance"}}, "context": context
        }))
    };
    let ann = json!({"id": "ann", "departments": ["finance"]});
    let office = json!({"time": "2026-11-27T10:00:00Z", "ip": "10.1.2.3"});
    let allowed = with(ann.clone(), office.clone());
    assert_eq!(allowed["decision"], "allow", "{allowed}");
    assert!(allowed["reason"].as_str().unwrap().contains("own-department"), "{allowed}");
    for (context, reason) in [
        (json!({"time": "2026-11-27T18:00:00Z", "ip": "10.1.2.3"}), "not-permitted"),
        (
            json!({"time": "2026-11-27T10:00:00Z", "ip": "11.1.2.3"}),
            "forbidden: denied by rule not-from-outside",
        ),
        (json!({"time": "2026-11-27T10:00:00Z"}), "indeterminate"),
    ] {
        let denied = with(ann.clone(), context);
        assert_eq!(denied["decision"], "deny");
        assert!(denied["reason"].as_str().unwrap().starts_with(reason), "{denied}");
    }
    assert_eq!(with(json!({"id": "ann"}), office)["decision"], "deny");
}

/// What a credential asserts is a role, and a name is not.
#[test]
fn a_role_comes_by_assignment_or_by_the_credential() {
    let with = |principal: Value| {
        let request = json!({"id": 1, "principal": principal, "action": "invoices.pay", "resource": {"kind": "invoices"}});
        ask(&request)["decision"].clone()
    };
    assert_eq!(with(json!({"id": "cashier"})), "deny");
    assert_eq!(with(json!({"id": "guest", "roles": ["cashier"]})), "allow");
    assert_eq!(with(json!({"id": "ann", "active_roles": []})), "deny");
    assert_eq!(with(json!({"id": "ann", "kind": "service"})), "deny");
    assert_eq!(with(json!({"id": "ann", "realm": "local:acme"})), "deny");
}

#[test]
fn tests_of_a_policy_say_what_they_did_not_exercise() {
    let output = tool(&["test", "--policy", POLICY, TESTS], b"");
    assert!(output.status.success(), "{}{}", text(&output), error(&output));
    let report = text(&output);
    assert!(report.contains("6 tests, 0 failed\n"), "{report}");
    assert!(report.contains("coverage: 6 of 8 rules, 75 %\n"), "{report}");
    assert!(report.contains("never exercised: rule not-from-outside\n"), "{report}");
    let strict = tool(&["test", "--policy", POLICY, TESTS, "--min-coverage", "76"], b"");
    assert_eq!(strict.status.code(), Some(1));
    // A policy that has changed fails its tests.
    let (_folder, path) = changed(r#"deny = ["invoices.**"]"#, r#"deny = ["invoices.pay"]"#);
    let failed = tool(&["test", "--policy", &path, TESTS], b"");
    assert_eq!(failed.status.code(), Some(1));
    assert!(
        text(&failed).contains("FAILED  whoever is suspended does nothing: Allow, not Deny"),
        "{}",
        text(&failed)
    );
    assert_eq!(tool(&["test", "--policy", POLICY, POLICY], b"").status.code(), Some(2));
}

fn tests_of(policy: &str, tests: &str) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tests.toml");
    fs::write(&path, tests).unwrap();
    let output = tool(&["test", "--policy", policy, path.to_str().unwrap()], b"");
    assert_eq!(error(&output), "");
    (output.status.code(), text(&output))
}

/// What limits refuse, no rule has refused.
#[test]
fn what_the_limits_decide_exercises_no_rule() {
    let (code, report) = tests_of(
        POLICY,
        r#"
        [[tests]]
        name = "a token for something else"
        expect = "deny"
        reason = "scope"
        request = { principal = { id = "ann", limits = { scopes = [] } }, action = "invoices.read", resource = { kind = "invoices" } }
        "#,
    );
    assert_eq!(code, Some(0), "{report}");
    assert!(report.contains("coverage: 0 of 8 rules, 0 %\n"), "{report}");
}

/// A tenant's role and the policy's share a name and nothing else.
#[test]
fn what_one_role_has_decided_exercises_no_other_of_its_name() {
    let (_folder, path) = changed(
        "[[assignments]]",
        r#"[[roles]]
name = "clerk"
tenant = "local:acme"
allow = ["invoices.read"]

[[roles]]
name = "head"
tenant = "local:acme"
inherits = [{ tenant = "local:acme", name = "clerk" }]

[[assignments]]
principal = "tess"
roles = [{ tenant = "local:acme", name = "head" }]

[[direct]]
principal = "bob"
tenant = "local:acme"
allow = ["invoices.delete"]

[[assignments]]"#,
    );
    let request = |principal: &str, action: &str, resource: &str| {
        let test = format!(
            "[[tests]]\nname = \"t\"\nexpect = \"allow\"\nrequest = {{ principal = \"{principal}\", action = \"{action}\", \
             resource = {{ kind = \"invoices\"{resource} }} }}\n"
        );
        let (code, report) = tests_of(&path, &test);
        assert_eq!(code, Some(0), "{report}");
        let missed = |what: &str| report.contains(&format!("never exercised: {what}\n"));
        [
            missed("role clerk of local:acme allows invoices.read"),
            missed("role clerk allows invoices.read"),
            missed("invoices.delete allows to \"bob\" directly"),
        ]
    };
    assert_eq!(request("tess", "invoices.read", ", tenant = \"local:acme\""), [false, true, true]);
    assert_eq!(request("ann", "invoices.read", ""), [true, false, true]);
    // Of the two that Bob has, one is for acme alone.
    assert_eq!(request("bob", "invoices.delete", ""), [true, true, true]);
    assert_eq!(request("bob", "invoices.delete", ", tenant = \"local:acme\""), [true, true, false]);
}

/// A typing error is an error as well, and not the one that the test is about.
#[test]
fn an_expected_error_is_named() {
    let test = |reason: &str, action: &str| {
        tests_of(
            POLICY,
            &format!(
                "[[tests]]\nname = \"t\"\nexpect = \"error\"\n{reason}\nrequest = {{ principal = {{ id = \"ann\", \
                 {action} = \"finance\" }}, action = \"reports.read\", resource = {{ kind = \"report\", department = \"x\" }} }}\n"
            ),
        )
    };
    let (code, report) = test("", "departments");
    assert_eq!(code, Some(1), "{report}");
    assert!(report.contains("an error that no `reason` names"), "{report}");
    assert_eq!(test("reason = \"principal: invalid type\"", "departments").0, Some(0));
    assert_eq!(test("reason = \"principal: invalid type\"", "departmnets").0, Some(1));
}

/// A principal is written as a table, and is one value.
#[test]
fn an_attribute_may_be_a_principal() {
    let (_folder, path) = changed(
        "[[rules]]",
        r#"[schema.resources.draft]
author = "principal"
"author.team" = "text?"

[[rules]]
name = "own-draft"
effect = "permit"
actions = ["reports.read"]
resource = "draft"
condition = 'resource.author == principal'

[[rules]]"#,
    );
    let with = |author: Value| {
        let resource = json!({"kind": "draft", "id": "1", "author": author});
        let request = json!({"id": 1, "principal": "ann", "action": "reports.read", "resource": resource});
        let output = tool(&["batch", "--policy", &path], request.to_string().as_bytes());
        serde_json::from_str::<Value>(&text(&output)).unwrap()
    };
    let ann = |realm: &str| json!({"realm": realm, "kind": "user", "id": "ann"});
    assert_eq!(with(ann("local:default"))["decision"], "allow", "{}", with(ann("local:default")));
    assert_eq!(with(ann("local:acme"))["decision"], "deny");
    assert_eq!(with(json!("ann"))["decision"], "error");
}

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

#[test]
fn roles_are_drawn() {
    let mermaid = text(&tool(&["graph", "--policy", POLICY], b""));
    assert_eq!(
        mermaid,
        "flowchart BT\n    r0[\"clerk\"]\n    r1[\"cashier\"]\n    r2[\"suspended\"]\n    r1 --> r0\n"
    );
    // A realm may have quotation marks, and draws nothing by them.
    let (_folder, path) = changed(
        "[[assignments]]",
        "[[roles]]\nname = \"z\"\ntenant = 'local:\"];evil'\ninherits = [\"clerk\"]\n\n[[assignments]]",
    );
    let dot = text(&tool(&["graph", "--policy", &path, "--format", "dot"], b""));
    assert!(dot.contains("    r3 [label = \"z of local:\\\"];evil\"];\n"), "{dot}");
    assert!(dot.starts_with("digraph roles {\n") && dot.ends_with("    r3 -> r0;\n}\n"), "{dot}");
}

#[test]
fn checks_are_measured() {
    let requests = r#"{"principal": "ann", "action": "invoices.read", "resource": {"kind": "invoices"}}
{"principal": "eve", "action": "invoices.read", "resource": {"kind": "invoices"}}
"#;
    let output = tool(&["bench", "--policy", POLICY, "--seconds", "0"], requests.as_bytes());
    assert!(text(&output).starts_with("requests: 2, allowed: 1\nper check: median "), "{}", error(&output));
    assert_eq!(tool(&["bench", "--policy", POLICY], b"\n").status.code(), Some(2));
}

/// No decision is made by a policy that is none.
#[test]
fn a_policy_that_is_none_is_refused_with_its_place() {
    let (_folder, path) = changed(r#"effect = "deny", to"#, r#"effect = "Deny", to"#);
    let refused = tool(&["batch", "--policy", &path], b"{}\n");
    assert_eq!((refused.status.code(), text(&refused)), (Some(2), String::new()));
    let line = fs::read_to_string(&path).unwrap().lines().position(|line| line.contains("Deny")).unwrap() + 1;
    assert!(error(&refused).contains(&format!("line {line}, column ")), "{}", error(&refused));
}

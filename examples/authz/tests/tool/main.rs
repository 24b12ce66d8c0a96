//! Drives the tool as a person and as a program would.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "test code")]

mod coverage;
mod large;
mod lint;

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

/// Values may be secret, so whoever wants them says so.
#[test]
fn values_that_were_compared_are_told_on_demand() {
    let request = r#"{"principal": {"id": "ann", "departments": ["sales", "legal"]}, "action": "reports.read",
        "resource": {"kind": "report", "department": "finance"}, "context": {"time": "2026-11-27T10:00:00Z"}}"#;
    let explain = |flags: &[&str]| {
        let output = tool(&[&["explain", "--policy", POLICY, "--request", request], flags].concat(), b"");
        assert_eq!(output.status.code(), Some(1), "{}", error(&output));
        text(&output)
    };
    let told = explain(&[]);
    assert!(told.contains("rule own-department is false") && !told.contains("finance"), "{told}");
    let with_values = explain(&["--values"]);
    let values = with_values.strip_prefix(&told).unwrap();
    assert_eq!(
        values,
        "rule not-from-outside: context.ip is missing\n\
         rule own-department: resource.department = \"finance\"\n\
         rule own-department: principal.departments = [\"sales\", \"legal\"]\n"
    );
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

/// Of a key that is there twice, who checks the request may see one value and who answers it the other.
#[test]
fn no_key_comes_twice_at_any_depth() {
    let with = |principal: &str, resource: &str, context: &str| {
        let line = format!(
            r#"{{"id": 1, "principal": {principal}, "action": "invoices.read", "resource": {resource}, "context": {context}}}"#
        );
        let answer = batch(line.as_bytes()).remove(0);
        (answer["decision"].clone(), answer["reason"].as_str().unwrap().to_owned())
    };
    let (ann, invoices) = (r#"{"id": "ann"}"#, r#"{"kind": "invoices"}"#);
    let once = r#"{"auth": {"age": 1}, "attributes": {"device": {"managed": true}}}"#;
    assert_eq!(with(ann, invoices, once).0, "allow", "{}", with(ann, invoices, once).1);
    for (principal, resource, context, twice) in [
        (r#"{"id": "ann", "id": "eve"}"#, invoices, "{}", "request"),
        (
            r#"{"id": "ann", "limits": {"scopes": [], "scopes": ["invoices.read"]}}"#,
            invoices,
            "{}",
            "request",
        ),
        (ann, r#"{"kind": "orders", "kind": "invoices"}"#, "{}", "kind is there twice"),
        (
            ann,
            invoices,
            r#"{"auth": {"assurance": "aal1", "assurance": "aal3"}}"#,
            "assurance is there twice",
        ),
        (
            ann,
            invoices,
            r#"{"attributes": {"device": {"managed": false, "managed": true}}}"#,
            "managed is there twice",
        ),
        (ann, invoices, r#"{"device": {"managed": false, "managed": true}}"#, "managed is there twice"),
        (ann, invoices, r#"{"device": [{"managed": [{"x": 1, "x": 2}]}]}"#, "x is there twice"),
        (
            ann,
            invoices,
            r#"{"device": {"managed": true}, "device.managed": false}"#,
            "device.managed is there twice",
        ),
    ] {
        let (decision, reason) = with(principal, resource, context);
        assert!(decision == "error" && reason.contains(twice), "{principal} {resource} {context}: {reason}");
    }
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
    let other = json!({"realm": "local:default", "kind": "user", "id": "ann", "tenant": "acme"});
    assert_eq!(with(other)["decision"], "error", "a part of the name that nobody has looked at");
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

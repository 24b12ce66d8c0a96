//! Tests of a policy.

use std::fs;

use super::{POLICY, TESTS, changed, error, text, tool};

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

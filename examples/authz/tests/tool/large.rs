//! The tool on policies as large as they grow.

use std::{
    fmt::Write as _,
    fs,
    process::{Command, Output},
    time::{Duration, Instant},
};

const MANY: usize = 10_000;
/// What takes a second takes minutes as soon as each of so many is compared with each, and more memory than there is as
/// soon as each keeps a list of all.
const SOON: Duration = Duration::from_secs(60);

fn tool(command: &[&str], policy: &str, file: Option<(&str, &str)>) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.toml");
    fs::write(&path, policy).unwrap();
    let mut tool = Command::new(env!("CARGO_BIN_EXE_authz"));
    tool.args(command).arg("--policy").arg(&path);
    if let Some((name, contents)) = file {
        fs::write(folder.path().join(name), contents).unwrap();
        tool.arg(folder.path().join(name));
    }
    let begun = Instant::now();
    let output = tool.output().unwrap();
    assert!(begun.elapsed() < SOON, "{command:?} took {:?}", begun.elapsed());
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

fn lines(output: &Output) -> Vec<String> {
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

/// Role `r1` inherits `r0`, and so on; each has a permission of its own, and all have one.
fn chain() -> String {
    let mut policy = "format = 1\nversion = 1\npermissions = [\"all\"".to_owned();
    for n in 0..MANY {
        write!(policy, ", \"p.n{n}\"").unwrap();
    }
    policy.push_str("]\n");
    for n in 0..MANY {
        let inherits = n.checked_sub(1).map(|parent| format!("inherits = [\"r{parent}\"]\n"));
        let inherits = inherits.unwrap_or_default();
        writeln!(policy, "[[roles]]\nname = \"r{n}\"\n{inherits}allow = [\"p.n{n}\", \"all\"]").unwrap();
    }
    writeln!(policy, "[[assignments]]\nprincipal = \"ann\"\nroles = [\"r{}\"]", MANY - 1).unwrap();
    policy
}

#[test]
fn a_long_chain_of_roles_is_linted() {
    let output = tool(&["lint"], &chain(), None);
    let found = lines(&output);
    assert_eq!(found.len(), MANY - 1);
    assert_eq!(found.last().unwrap(), "redundant: role r9999 allows all, which it inherits from r0");
}

#[test]
fn a_long_chain_of_roles_is_drawn() {
    let drawn = lines(&tool(&["graph"], &chain(), None));
    assert_eq!(drawn.len(), 1 + MANY + MANY - 1);
    assert_eq!(drawn.last().unwrap(), "    r9999 --> r9998");
}

#[test]
fn a_rule_at_the_end_of_a_long_chain_is_exercised() {
    let tests = "[[tests]]\nname = \"t\"\nexpect = \"allow\"\nrequest = { principal = \"ann\", action = \"p.n0\", \
                 resource = { kind = \"p\" } }\n";
    let report = lines(&tool(&["test"], &chain(), Some(("tests.toml", tests))));
    assert!(!report.contains(&"never exercised: role r0 allows p.n0".to_owned()));
    assert!(report.contains(&"never exercised: role r1 allows p.n1".to_owned()));
}

#[test]
fn many_rules_are_linted() {
    let mut policy =
        "format = 1\nversion = 1\n[schema.resources.doc]\nowner = \"text\"\n[schema.actions]\n".to_owned();
    for n in 0..MANY {
        writeln!(policy, "\"docs.n{n}\" = {{}}").unwrap();
    }
    for n in 0..MANY {
        writeln!(
            policy,
            "[[rules]]\nname = \"n{n}\"\neffect = \"permit\"\nactions = [\"docs.n{}\"]\nresource = \"doc\"\ncondition = \
             'resource.owner == \"o{}\"'",
            n % 7,
            n / 2 * 2
        )
        .unwrap();
    }
    policy.push_str(
        "[[rules]]\nname = \"last\"\neffect = \"deny\"\nactions = [\"docs.n0\", \"docs.n1\"]\nresource = \"*\"\n\
         condition = \"context.auth.impersonated\"\n",
    );
    assert_eq!(lines(&tool(&["lint"], &policy, None)), Vec::<String>::new());
}

#[test]
fn a_deep_tree_of_lists_and_groups_is_linted() {
    let mut policy = "format = 1\nversion = 1\n[acl]\npermissions = [\"doc.read\"]\n".to_owned();
    for n in 0..MANY {
        let inner = n.checked_sub(1).map(|inner| format!("groups = [\"g{inner}\"]\n")).unwrap_or_default();
        writeln!(policy, "[[acl.groups]]\nname = \"g{n}\"\n{inner}").unwrap();
    }
    for n in 0..MANY {
        let inside =
            n.checked_sub(1).map(|outer| format!("inside = {{ kind = \"doc\", id = \"d{outer}\" }}\n"));
        let reapplies = if n == 0 { "reapplies_below = true\n" } else { "" };
        let entries = if n == 0 || n == MANY - 1 {
            "entries = [{ effect = \"permit\", to = { group = \"g9999\" }, permissions = [\"doc.read\"] }]\n"
        } else {
            ""
        };
        writeln!(
            policy,
            "[[acl.resources]]\nresource = {{ kind = \"doc\", id = \"d{n}\" }}\n{}{reapplies}{entries}",
            inside.unwrap_or_default()
        )
        .unwrap();
    }
    let found = lines(&tool(&["lint"], &policy, None));
    assert_eq!(found, ["unreachable: the list of doc \"d9999\" does not count below doc \"d0\""]);
}

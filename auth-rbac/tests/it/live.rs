//! Policies that are replaced while they decide.

use std::{
    fs,
    path::PathBuf,
    sync::{
        Arc, Barrier,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use auth_core::{
    AccessRequest, AuditEvent, Authorizer, AuthorizerExt, DecideError, Decision, Effect, MemoryAudit,
    PolicyVersion, Privileges,
    testing::{FixedClock, block_on},
};
use auth_rbac::{
    Engine, LivePolicy, Outdated, Policy, PolicyFile, PolicyReloader, PolicySource, ReloadError, Reloaded,
    SourceError,
    document::{Assignment, PolicyDocument, Role},
};

use crate::support::{NOW, action, role, thing, user, who};

/// Even versions let ann do `x` and forbid her `y`; odd ones the other way round.
fn document(version: u64) -> PolicyDocument {
    let (allowed, denied) =
        if version.is_multiple_of(2) { ("thing.x", "thing.y") } else { ("thing.y", "thing.x") };
    PolicyDocument::new(PolicyVersion::new(version))
        .permission(action("thing.x"))
        .permission(action("thing.y"))
        .role(Role::new(role("any")).allow(allowed).deny(denied))
        .assign(Assignment::new(user("ann"), [role("any")]))
}

fn effect(live: &LivePolicy, permission: &str) -> (u64, Effect) {
    let (who, action, thing) = (who(&user("ann")), action(permission), thing());
    let verdict = live.evaluate(&AccessRequest::new(&who, &action, &thing, NOW)).unwrap();
    (verdict.version().get(), verdict.effect())
}

struct Written {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

impl Written {
    fn new(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("policy.toml");
        fs::write(&path, text).unwrap();
        Self { _folder: folder, path }
    }

    fn write(&self, text: &str) {
        fs::write(&self.path, text).unwrap();
    }

    fn reloader(&self) -> PolicyReloader {
        let file = PolicyFile::toml(&self.path).settling(Duration::ZERO);
        PolicyReloader::new(file, LivePolicy::without_policy())
    }
}

fn reloaded(reloader: &mut PolicyReloader) -> Result<Reloaded, ReloadError> {
    block_on(reloader.poll()).outcome
}

/// Looks as often as a file takes that nobody changes.
fn settled(reloader: &mut PolicyReloader) -> Result<Reloaded, ReloadError> {
    assert_eq!(reloaded(reloader).unwrap(), Reloaded::Changing);
    reloaded(reloader)
}

/// No policy is 503, and never an answer.
#[test]
fn without_a_policy_nothing_is_decided() {
    let live = LivePolicy::without_policy();
    let (who, action, thing) = (who(&user("ann")), action("thing.x"), thing());
    let request = AccessRequest::new(&who, &action, &thing, NOW);
    assert!(matches!(live.decide(&request), Err(DecideError::NoPolicy)));
    assert!(matches!(live.explain(&request), Err(DecideError::NoPolicy)));
    assert!(matches!(live.at_least(PolicyVersion::new(0)), Err(DecideError::NoPolicy)));
    live.replace(document(2).compile().unwrap()).unwrap();
    assert!(matches!(live.decide(&request), Ok(Decision::Allow(_))));
}

#[test]
fn no_policy_takes_the_place_of_one_of_the_same_version_or_a_newer_one() {
    let live = LivePolicy::new(document(5).compile().unwrap());
    for offered in [0, 4, 5] {
        let (offered, in_force) = (PolicyVersion::new(offered), PolicyVersion::new(5));
        let policy = document(offered.get()).compile().unwrap();
        assert_eq!(live.replace(policy), Err(Outdated { offered, in_force }));
    }
    assert_eq!(effect(&live, "thing.y"), (5, Effect::Permit));
    live.replace(document(6).compile().unwrap()).unwrap();
    assert_eq!(effect(&live, "thing.y"), (6, Effect::Deny));
}

/// Whoever revoked something finds it revoked, or an error.
#[test]
fn a_decision_at_a_version_is_never_made_by_an_older_one() {
    let live = LivePolicy::new(document(5).compile().unwrap());
    let at = |version| live.at_least(PolicyVersion::new(version));
    assert_eq!(at(4).unwrap().version(), PolicyVersion::new(5));
    assert_eq!(at(5).unwrap().version(), PolicyVersion::new(5));
    assert!(matches!(at(6), Err(DecideError::Behind { wanted, in_force })
        if (wanted.get(), in_force.get()) == (6, 5)));
    let (who, action, thing) = (who(&user("ann")), action("thing.x"), thing());
    let request = AccessRequest::new(&who, &action, &thing, NOW);
    let six = live.check_at_least(PolicyVersion::new(6));
    assert_eq!(six.decide(&request).unwrap_err().to_string(), "policy version 6 is not in force yet");
    assert_eq!(six.require(&request).unwrap_err().status(), 503);
    let five = live.check_at_least(PolicyVersion::new(5));
    assert_eq!(five.evaluate(&request).unwrap(), live.evaluate(&request).unwrap());
    live.replace(document(6).compile().unwrap()).unwrap();
    assert!(at(6).is_ok());
    assert_eq!(six.require(&request).unwrap().version().get(), 6);
    assert_eq!(six.explain(&request).unwrap().verdict().version().get(), 6);
    let none = LivePolicy::without_policy();
    assert!(matches!(
        none.check_at_least(PolicyVersion::new(0)).decide(&request),
        Err(DecideError::NoPolicy)
    ));
}

/// Nobody acts as somebody else who may do more by a list or a rule. Of roles alone all is known.
#[test]
fn nobody_covers_anybody_where_more_than_roles_decides() {
    let roles = document(2).to_toml().unwrap();
    let list = r#"
        [acl]
        permissions = ["thing.z"]
        [[acl.resources]]
        resource = { kind = "thing", id = "1" }
        entries = [{ effect = "permit", to = { principal = "bob" }, permissions = ["thing.z"] }]
    "#;
    let rule = r#"
        [[rules]]
        name = "bob"
        effect = "permit"
        actions = "*"
        resource = "*"
        condition = 'principal.id == "bob"'
    "#;
    let covers = |privileges: &dyn Privileges| privileges.covers(&user("ann"), &user("bob")).unwrap();
    for more in ["", list, rule, &format!("{list}{rule}")] {
        let document = PolicyDocument::from_toml(&format!("{roles}{more}")).unwrap();
        let live = LivePolicy::new(document.compile().unwrap());
        let policy = live.policy().unwrap();
        assert_eq!(covers(&live), more.is_empty(), "{more}");
        assert_eq!(covers(&*policy), more.is_empty(), "{more}");
        assert!(covers(policy.roles()), "who wants the roles alone says so");
    }
    let nobody = LivePolicy::without_policy();
    assert!(matches!(nobody.covers(&user("ann"), &user("bob")), Err(DecideError::NoPolicy)));
}

#[test]
fn what_is_in_force_is_written_down() {
    let audit = Arc::new(MemoryAudit::new(10));
    let before = LivePolicy::new(document(1).compile().unwrap());
    let live = before.clone().with_audit(Arc::clone(&audit) as _, Arc::new(FixedClock(NOW)));
    live.replace(document(2).compile().unwrap()).unwrap();
    live.replace(document(1).compile().unwrap()).unwrap_err();
    before.replace(document(3).compile().unwrap()).unwrap();
    let versions: Vec<_> = audit.events().into_iter().map(|(_, event)| event).collect();
    let loaded = |version| AuditEvent::PolicyLoaded { version: PolicyVersion::new(version) };
    assert_eq!(versions, [loaded(1), loaded(2)], "a clone from before writes nothing");
}

/// The same with a list and a rule: even versions allow `list` by the list and deny `rule` by the rule, odd ones the other
/// way round; of `both` the one allows what the other denies.
fn of_all_models(version: u64) -> Policy {
    let (list, rule) = if version.is_multiple_of(2) { ("permit", "deny") } else { ("deny", "permit") };
    let more = format!(
        r#"
        [acl]
        permissions = ["thing.list", "thing.both"]
        [[acl.resources]]
        resource = {{ kind = "thing" }}
        entries = [{{ effect = "{list}", to = "everyone", permissions = ["thing.list", "thing.both"] }}]
        [schema.actions]
        "thing.rule" = {{}}
        "thing.both" = {{}}
        [schema.resources.thing]
        [[rules]]
        name = "rule"
        effect = "{rule}"
        actions = ["thing.rule", "thing.both"]
        resource = "thing"
        condition = "true"
        "#
    );
    let roles = document(version).to_toml().unwrap();
    PolicyDocument::from_toml(&format!("{roles}{more}")).unwrap().compile().unwrap()
}

/// A decision is of the old policy or of the new one, in all of its models, never a mix.
#[test]
fn readers_see_one_whole_policy_of_all_models_at_any_moment() {
    let live = LivePolicy::new(of_all_models(0));
    let policies: Vec<_> = (1..200).map(of_all_models).collect();
    let (barrier, done, rounds) = (Barrier::new(3), AtomicBool::new(false), AtomicU64::new(0));
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                barrier.wait();
                let mut last = 0;
                while !done.load(Ordering::Acquire) || rounds.load(Ordering::Relaxed) == 0 {
                    for (permission, by_even) in [
                        ("thing.x", Some(true)),
                        ("thing.list", Some(true)),
                        ("thing.rule", Some(false)),
                        ("thing.both", None),
                    ] {
                        let (version, effect) = effect(&live, permission);
                        let permits = by_even.is_some_and(|by_even| by_even == version.is_multiple_of(2));
                        let expected = if permits { Effect::Permit } else { Effect::Deny };
                        assert_eq!(effect, expected, "{permission} {version}");
                        assert!(version >= last);
                        last = version;
                    }
                    rounds.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        barrier.wait();
        // Readers are let go first: a failure must fail, not hang.
        let outcome = policies.into_iter().try_for_each(|policy| live.replace(policy));
        done.store(true, Ordering::Release);
        outcome.unwrap();
    });
}

#[test]
fn a_file_is_put_in_force_and_again_when_it_has_changed() {
    let file = Written::new(&document(2).to_toml().unwrap());
    let mut reloader = file.reloader();
    assert_eq!(settled(&mut reloader).unwrap(), Reloaded::Replaced(PolicyVersion::new(2)));
    assert_eq!(reloaded(&mut reloader).unwrap(), Reloaded::Unchanged);
    assert_eq!(effect(reloader.live(), "thing.x"), (2, Effect::Permit));
    file.write(&document(3).to_toml().unwrap());
    // The first look finds it changed, and the second that it has stayed so.
    let polled = block_on(reloader.poll());
    assert_eq!(polled.outcome.unwrap(), Reloaded::Changing);
    assert_eq!(polled.again_in, Duration::ZERO);
    assert_eq!(effect(reloader.live(), "thing.x"), (2, Effect::Permit));
    let polled = block_on(reloader.poll());
    assert_eq!(polled.outcome.unwrap(), Reloaded::Replaced(PolicyVersion::new(3)));
    assert_eq!(polled.again_in, PolicyReloader::INTERVAL);
    assert_eq!(effect(reloader.live(), "thing.x"), (3, Effect::Deny));
}

/// A policy that was being read when it was replaced may be large, and the next change far away.
#[test]
fn what_was_replaced_is_freed_by_the_next_look() {
    let file = Written::new(&document(2).to_toml().unwrap());
    let mut reloader = file.reloader();
    assert_eq!(settled(&mut reloader).unwrap(), Reloaded::Replaced(PolicyVersion::new(2)));
    let read = reloader.live().policy().unwrap();
    let old = Arc::downgrade(&read);
    file.write(&document(3).to_toml().unwrap());
    assert_eq!(settled(&mut reloader).unwrap(), Reloaded::Replaced(PolicyVersion::new(3)));
    assert_eq!(reloaded(&mut reloader).unwrap(), Reloaded::Unchanged);
    drop(read);
    assert!(old.upgrade().is_some(), "who reads it does not free it");
    assert_eq!(reloaded(&mut reloader).unwrap(), Reloaded::Unchanged);
    assert!(old.upgrade().is_none());
}

/// Half a file may be a policy that lacks what forbids.
#[test]
fn a_file_that_is_being_written_is_not_taken() {
    let file = Written::new(&document(2).to_toml().unwrap());
    let mut reloader = file.reloader();
    settled(&mut reloader).unwrap();
    let whole = document(4).to_toml().unwrap();
    for end in (0..whole.len()).step_by(7) {
        file.write(&whole[..end]);
        assert_eq!(reloaded(&mut reloader).unwrap(), Reloaded::Changing);
    }
    file.write(&whole);
    assert_eq!(reloaded(&mut reloader).unwrap(), Reloaded::Changing);
    assert_eq!(reloaded(&mut reloader).unwrap(), Reloaded::Replaced(PolicyVersion::new(4)));
}

/// The same at the start, where no policy is the safe one: cut between two tables, this is a policy without denials.
#[test]
fn half_a_file_is_no_first_policy() {
    let whole = document(2).to_toml().unwrap();
    let file = Written::new("");
    let mut reloader = file.reloader();
    for end in (0..whole.len()).step_by(7) {
        file.write(&whole[..end]);
        assert_eq!(reloaded(&mut reloader).unwrap(), Reloaded::Changing);
        assert!(reloader.live().policy().is_none());
    }
    file.write(&whole);
    assert_eq!(settled(&mut reloader).unwrap(), Reloaded::Replaced(PolicyVersion::new(2)));
}

/// However often somebody looks: what was found is taken when it has been there for the time, and not before.
#[test]
fn a_file_is_not_taken_before_its_time() {
    let file = Written::new(&document(2).to_toml().unwrap());
    let source = PolicyFile::toml(&file.path).settling(Duration::from_secs(3_600));
    let mut reloader =
        PolicyReloader::new(source, LivePolicy::without_policy()).every(Duration::from_millis(1));
    for _ in 0..5 {
        let polled = block_on(reloader.poll());
        assert_eq!(polled.outcome.unwrap(), Reloaded::Changing);
        assert!(
            polled.again_in > Duration::from_secs(3_000),
            "the source says how long it takes, not the interval"
        );
        assert!(reloader.live().policy().is_none());
    }
    // As a program does that keeps to what it is told.
    let (source, began) = (PolicyFile::toml(&file.path), Instant::now());
    let mut reloader =
        PolicyReloader::new(source, LivePolicy::without_policy()).every(Duration::from_millis(1));
    let mut looks = 0;
    while reloader.live().policy().is_none() {
        assert!(looks < 100);
        let polled = block_on(reloader.poll());
        polled.outcome.unwrap();
        looks += 1;
        thread::sleep(polled.again_in);
    }
    assert!(began.elapsed() >= PolicyFile::SETTLING && looks >= 2);
}

/// A source that never rests is never taken, and somebody must know.
#[test]
fn a_source_that_never_settles_is_reported() {
    let file = Written::new(&document(2).to_toml().unwrap());
    let mut reloader = file.reloader();
    settled(&mut reloader).unwrap();
    for round in 0..2 {
        for n in 0..PolicyReloader::MAX_CHANGING {
            file.write(&format!("# {round} {n}"));
            assert_eq!(reloaded(&mut reloader).unwrap(), Reloaded::Changing);
        }
        for n in 0..2 {
            file.write(&format!("# still {n}"));
            let error = reloaded(&mut reloader).unwrap_err();
            assert!(matches!(error, ReloadError::Unsettled { .. }), "{error}");
        }
        assert_eq!(effect(reloader.live(), "thing.x"), (2, Effect::Permit));
        // Once it rests, all is well again.
        file.write(&document(2).to_toml().unwrap());
        assert_eq!(reloaded(&mut reloader).unwrap(), Reloaded::Unchanged);
    }
}

/// What was found once, and then was gone, is not what was found twice in a row.
#[test]
fn a_file_that_comes_and_goes_is_not_taken() {
    let file = Written::new(&document(2).to_toml().unwrap());
    let mut reloader = file.reloader();
    settled(&mut reloader).unwrap();
    for _ in 0..3 {
        file.write(&document(4).to_toml().unwrap());
        assert_eq!(reloaded(&mut reloader).unwrap(), Reloaded::Changing);
        file.write(&document(2).to_toml().unwrap());
        assert_eq!(reloaded(&mut reloader).unwrap(), Reloaded::Unchanged);
    }
    assert_eq!(effect(reloader.live(), "thing.x"), (2, Effect::Permit));
}

/// Whoever forgets to raise the version is told at every look, not only that something is old.
#[test]
fn a_change_without_a_larger_version_is_reported_as_such() {
    let (now, version) = (document(2), PolicyVersion::new(2));
    let file = Written::new(&now.to_toml().unwrap());
    let mut reloader = file.reloader();
    settled(&mut reloader).unwrap();
    file.write(&now.clone().permission(action("thing.z")).to_toml().unwrap());
    assert_eq!(reloaded(&mut reloader).unwrap(), Reloaded::Changing);
    for _ in 0..3 {
        let error = reloaded(&mut reloader).unwrap_err();
        assert!(matches!(error, ReloadError::SameVersion(same) if same == version), "{error}");
    }
    file.write(&now.to_toml().unwrap());
    assert_eq!(reloaded(&mut reloader).unwrap(), Reloaded::Unchanged);
    assert_eq!(reloaded(&mut reloader).unwrap(), Reloaded::Unchanged);
}

/// A failed load keeps the old policy, says so, and does not keep a good one out.
#[test]
fn what_cannot_be_loaded_leaves_the_old_policy_in_force() {
    let file = Written::new(&document(2).to_toml().unwrap());
    let mut reloader = file.reloader();
    settled(&mut reloader).unwrap();
    let circle = document(3).role(Role::new(role("a")).inherits(role("a"))).to_toml().unwrap();
    let stale = document(1).to_toml().unwrap();
    for text in ["format = 1", "no policy at all", "", &circle, &stale] {
        file.write(text);
        assert_eq!(reloaded(&mut reloader).unwrap(), Reloaded::Changing);
        for _ in 0..2 {
            let error = reloaded(&mut reloader).unwrap_err();
            let is_expected = match error {
                ReloadError::Source(SourceError::Document(_)) => text != stale,
                ReloadError::Outdated(_) => text == stale,
                _ => false,
            };
            assert!(is_expected, "{text}: {error}");
            assert_eq!(effect(reloader.live(), "thing.x"), (2, Effect::Permit));
        }
    }
    fs::write(&file.path, [0xff, 0xfe]).unwrap();
    assert!(matches!(reloaded(&mut reloader), Err(ReloadError::Source(SourceError::Read(_)))));
    fs::remove_file(&file.path).unwrap();
    assert!(matches!(reloaded(&mut reloader), Err(ReloadError::Source(SourceError::Read(_)))));
    assert_eq!(effect(reloader.live(), "thing.x"), (2, Effect::Permit));
    file.write(&document(4).to_toml().unwrap());
    assert_eq!(settled(&mut reloader).unwrap(), Reloaded::Replaced(PolicyVersion::new(4)));
}

/// To open a pipe waits until somebody writes to it: the reloader would never have come back.
#[cfg(unix)]
#[test]
fn what_is_no_regular_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("policy.toml");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for path in [pipe, folder.path().to_owned(), "/dev/zero".into()] {
        let (tell, told) = std::sync::mpsc::channel();
        let source = PolicyFile::toml(&path);
        thread::spawn(move || tell.send(block_on(source.load(None))).unwrap());
        let Ok(Err(SourceError::Read(error))) = told.recv_timeout(Duration::from_secs(30)) else {
            panic!("{} was read, or waited for", path.display());
        };
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
    }
}

#[test]
fn a_file_may_be_json() {
    let file = Written::new(&document(2).to_json().unwrap());
    let source: Arc<dyn PolicySource> = Arc::new(PolicyFile::json(&file.path).settling(Duration::ZERO));
    let mut reloader = PolicyReloader::new(source, LivePolicy::without_policy());
    assert_eq!(settled(&mut reloader).unwrap(), Reloaded::Replaced(PolicyVersion::new(2)));
    assert!(matches!(settled(&mut file.reloader()), Err(ReloadError::Source(SourceError::Document(_)))));
}

//! What every policy in a database has to keep, whichever database it is.

use std::{collections::BTreeSet, sync::Arc};

use auth_core::{Action, PolicyVersion, PrincipalId, PrincipalKind, Realm, RoleName};
use auth_rbac::{
    Administration, LivePolicy, Loaded, PolicyChange, PolicyReloader, PolicyStore, PolicyStoreError,
    Reloaded, Revision, RoleKey, Saved, SourceError,
    document::{Assignment, PolicyDocument, Role},
};

/// The names of the tests, for who runs them.
macro_rules! each_of_the_policy_suite {
    ($run:ident) => {
        $run!(
            where_nothing_was_stored_there_is_no_policy,
            a_policy_is_loaded_as_it_was_saved,
            what_has_not_changed_is_not_loaded_again,
            names_of_policies_compare_byte_by_byte,
            the_longest_names_of_policies_survive,
            a_policy_that_was_overtaken_is_not_written,
            what_is_no_policy_is_not_stored,
            each_change_does_what_it_does_to_a_document,
            changes_are_all_made_or_none,
            of_writers_at_once_one_wins_each_version,
            a_policy_is_read_as_it_was_at_one_moment,
            a_large_policy_is_kept_whole,
            what_is_stored_comes_into_force,
        );
    };
}
pub(crate) use each_of_the_policy_suite;

type Store = Arc<dyn PolicyStore>;

pub(crate) fn sample() -> PolicyDocument {
    PolicyDocument::from_toml(include_str!("sample.toml")).unwrap()
}

fn version(number: u64) -> PolicyVersion {
    PolicyVersion::new(number)
}

fn role(name: &str) -> RoleKey {
    RoleName::parse(name).unwrap().into()
}

fn user(id: &str) -> PrincipalId {
    PrincipalId::local_user(id).unwrap()
}

pub(crate) async fn loaded(store: &Store) -> (Revision, PolicyDocument) {
    match store.load(None).await.unwrap() {
        Loaded::Changed { revision, document } => (revision, *document),
        other => panic!("{other:?}"),
    }
}

async fn save(store: &Store, expected: u64, document: &PolicyDocument) {
    let saved = store.save(version(expected), document).await.unwrap();
    assert_eq!(saved, Saved::Saved(document.version));
}

/// Nobody is denied, or allowed anything, by a policy that was never written.
pub(crate) async fn where_nothing_was_stored_there_is_no_policy(store: Store) {
    assert!(matches!(store.load(None).await, Err(SourceError::Nothing)));
    let old = Revision::new("7");
    assert!(matches!(store.load(Some(&old)).await, Err(SourceError::Nothing)));
    let conflict = store.save(version(1), &PolicyDocument::new(version(2))).await.unwrap();
    assert_eq!(conflict, Saved::Conflict(version(0)));
    let made = store.change(version(0), &[PolicyChange::CreateRole(role("first"))]).await.unwrap();
    assert_eq!(made, Saved::Saved(version(1)));
    let expected = PolicyDocument::new(version(1)).role(Role::new(role("first")));
    assert_eq!(loaded(&store).await.1, expected);
}

/// A denial, a constraint or the place of an entry that is lost on the way would open what it forbids.
pub(crate) async fn a_policy_is_loaded_as_it_was_saved(store: Store) {
    let mut document = sample();
    save(&store, 0, &document).await;
    assert_eq!(loaded(&store).await.1, document);
    document.version = version(8);
    save(&store, 7, &document).await;
    assert_eq!(loaded(&store).await.1, document);
    // Nothing of it stays behind.
    let empty = PolicyDocument::new(version(9));
    save(&store, 8, &empty).await;
    assert_eq!(loaded(&store).await.1, empty);
}

pub(crate) async fn what_has_not_changed_is_not_loaded_again(store: Store) {
    save(&store, 0, &sample()).await;
    let (revision, _) = loaded(&store).await;
    assert_eq!(store.load(Some(&revision)).await.unwrap(), Loaded::Unchanged);
    let changed = store.change(version(7), &[PolicyChange::CreateRole(role("new"))]).await.unwrap();
    assert_eq!(changed, Saved::Saved(version(8)));
    let Loaded::Changed { revision: next, document } = store.load(Some(&revision)).await.unwrap() else {
        panic!("it has changed");
    };
    assert_ne!(next, revision);
    assert_eq!(document.version, version(8));
}

/// Names that look alike to a person, a collation or a LIKE are different.
pub(crate) async fn names_of_policies_compare_byte_by_byte(store: Store) {
    let mut document = PolicyDocument::new(version(1));
    for name in ["a.b", "A.b", "a_b", "a-b"] {
        document = document.permission(Action::parse(name).unwrap());
    }
    let realms = [Realm::issuer("default").unwrap(), Realm::local("DEFAULT").unwrap(), Realm::LOCAL];
    for name in ["Role", "role", "role-", "role_"] {
        document = document.role(Role::new(role(name)));
    }
    for realm in realms {
        document =
            document.role(Role::new(RoleKey { tenant: Some(realm.clone()), ..role("role") }).allow("a.b"));
        for kind in [PrincipalKind::Service, PrincipalKind::User] {
            for (n, id) in
                ["Ann", "a%", "a\u{308}nn", "ann", "ann ", "ann'; --", "ann\\", "änn"].into_iter().enumerate()
            {
                let name = ["Role", "role", "role-", "role_"][n % 4];
                let who = PrincipalId::new(realm.clone(), kind, id).unwrap();
                document = document.assign(Assignment::new(who, [role(name)]));
            }
        }
    }
    save(&store, 0, &document).await;
    let loaded = loaded(&store).await.1;
    assert_eq!(loaded.assignments.len(), document.assignments.len());
    let sorted = |document: &PolicyDocument| -> BTreeSet<String> {
        document.assignments.iter().map(|one| format!("{one:?}")).collect()
    };
    assert_eq!(sorted(&loaded), sorted(&document));
    assert_eq!(loaded.roles, document.roles);
}

/// Indexes of servers have a limit for what they hold, and a name that was cut off would be another's.
pub(crate) async fn the_longest_names_of_policies_survive(store: Store) {
    let realm = Realm::parse(&format!("local:{}", "~".repeat(Realm::MAX_LEN - 6))).unwrap();
    let id =
        PrincipalId::new(realm.clone(), PrincipalKind::Service, &"z".repeat(PrincipalId::MAX_LEN)).unwrap();
    let name = "n".repeat(RoleName::MAX_LEN);
    let key = RoleKey { tenant: Some(realm.clone()), name: RoleName::parse(&name).unwrap() };
    let action = Action::parse(&format!("{}.p", "k".repeat(64))).unwrap();
    let long = Action::parse(&"p".repeat(Action::MAX_LEN)).unwrap();
    let group = auth_rbac::GroupId::new(realm.clone(), auth_core::GroupName::parse(&name).unwrap());
    let resource = auth_core::Resource::one(
        auth_core::ResourceKind::parse(&"k".repeat(64)).unwrap(),
        &"i".repeat(auth_core::Resource::MAX_ID_LEN),
    );
    let resource = resource.unwrap().of_tenant(realm.clone());
    let inner = auth_rbac::GroupId::new(realm.clone(), auth_core::GroupName::parse(&name[1..]).unwrap());
    let list = auth_rbac::document::ResourceList::new(resource)
        .owned_by(id.clone())
        .entry(auth_rbac::document::Entry::deny(group.clone(), [action.clone()]));
    let mut lists = auth_rbac::document::Lists::new(auth_rbac::AclOrder::DenyOverrides)
        .permission(action.clone())
        .group(auth_rbac::document::Group::new(inner.clone()).member(id.clone()))
        .group(auth_rbac::document::Group::new(group).member(id.clone()).group(inner))
        .resource(list);
    lists.groups.sort_by(|one, other| one.name.cmp(&other.name));
    let direct = auth_rbac::document::Direct::new(id.clone()).of_tenant(realm).deny(&long);
    let document = PolicyDocument::new(version(1))
        .permission(long.clone())
        .role(Role::new(key.clone()).allow(&long))
        .assign(Assignment::new(id, [key]))
        .direct(direct)
        .acl(lists);
    save(&store, 0, &document).await;
    assert_eq!(loaded(&store).await.1, document);
}

/// Two administrators who began with the same policy: the second must not bring back what the first revoked.
pub(crate) async fn a_policy_that_was_overtaken_is_not_written(store: Store) {
    save(&store, 0, &sample()).await;
    let mut late = sample();
    late.version = version(9);
    for expected in [0, 6, 8] {
        let saved = store.save(version(expected), &late).await.unwrap();
        assert_eq!(saved, Saved::Conflict(version(7)));
        let changed =
            store.change(version(expected), &[PolicyChange::CreateRole(role("late"))]).await.unwrap();
        assert_eq!(changed, Saved::Conflict(version(7)));
    }
    assert_eq!(loaded(&store).await.1, sample());
}

/// A policy that cannot be compiled would keep the old one in force until somebody looks.
pub(crate) async fn what_is_no_policy_is_not_stored(store: Store) {
    save(&store, 0, &sample()).await;
    let mut circle = sample().role(Role::new(role("a")).inherits(role("a")));
    circle.version = version(8);
    let refused = store.save(version(7), &circle).await;
    assert!(matches!(refused, Err(PolicyStoreError::Document(_))), "{refused:?}");
    for offered in [0, 6, 7, 1 << 63, u64::MAX] {
        let mut document = sample();
        document.version = version(offered);
        let refused = store.save(version(7), &document).await;
        assert!(matches!(refused, Err(PolicyStoreError::Version { .. })), "{offered}: {refused:?}");
    }
    let auditor = PolicyChange::Assign { principal: user("ann"), role: role("auditor"), tenant: None };
    let refused = store.change(version(7), &[auditor]).await;
    assert!(matches!(refused, Err(PolicyStoreError::Document(_))), "separated: {refused:?}");
    for change in [
        PolicyChange::CreateRole(role("clerk")),
        PolicyChange::Inherit { role: role("clerk"), parent: role("nobody") },
        PolicyChange::Revoke { principal: user("ann"), role: role("nobody"), tenant: None },
    ] {
        let refused = store.change(version(7), &[change]).await;
        assert!(matches!(refused, Err(PolicyStoreError::Change(_))), "{refused:?}");
    }
    let rule = PolicyChange::AddRule { role: role("clerk"), permission: "no.such".to_owned(), denies: false };
    let refused = store.change(version(7), std::slice::from_ref(&rule)).await;
    assert!(matches!(refused, Err(PolicyStoreError::Document(_))), "{refused:?}");
    let many = vec![rule; Administration::MAX_CHANGES + 1];
    assert!(matches!(store.change(version(7), &many).await, Err(PolicyStoreError::TooMany)));
    assert_eq!(loaded(&store).await.1, sample());
}

/// Every kind of change, each of them made twice: what is there already, or is gone already, is no error.
pub(crate) async fn each_change_does_what_it_does_to_a_document(store: Store) {
    let acme = Realm::local("acme").unwrap();
    let of_acme = |name: &str| RoleKey { tenant: Some(acme.clone()), ..role(name) };
    let rule = |role: RoleKey, permission: &str, denies| PolicyChange::AddRule {
        role,
        permission: permission.to_owned(),
        denies,
    };
    let direct = |permission: &str, denies, tenant: Option<&Realm>| PolicyChange::AddDirect {
        principal: user("bob"),
        permission: permission.to_owned(),
        denies,
        tenant: tenant.cloned(),
    };
    let assign = |role, tenant: Option<&Realm>| PolicyChange::Assign {
        principal: user("bob"),
        role,
        tenant: tenant.cloned(),
    };
    let revoke = |role, tenant: Option<&Realm>| PolicyChange::Revoke {
        principal: user("bob"),
        role,
        tenant: tenant.cloned(),
    };
    let steps = [
        PolicyChange::Inherit { role: of_acme("editor"), parent: role("clerk") },
        PolicyChange::Disinherit { role: of_acme("editor"), parent: role("clerk") },
        rule(role("clerk"), "doc.*", false),
        rule(role("clerk"), "doc.*", true),
        rule(of_acme("editor"), "doc.read", true),
        PolicyChange::RemoveRule { role: role("clerk"), permission: "doc.*".to_owned(), denies: true },
        assign(role("clerk"), None),
        assign(role("clerk"), Some(&acme)),
        assign(of_acme("editor"), None),
        assign(of_acme("clerk"), Some(&acme)),
        revoke(role("clerk"), None),
        revoke(of_acme("clerk"), None),
        revoke(of_acme("editor"), Some(&acme)),
        direct("doc.read", false, None),
        direct("doc.*", true, Some(&acme)),
        PolicyChange::RemoveDirect {
            principal: user("bob"),
            permission: "doc.*".to_owned(),
            denies: true,
            tenant: Some(acme.clone()),
        },
    ];
    let mut expected = sample();
    save(&store, 0, &expected).await;
    for step in steps.iter().flat_map(|step| [step, step]) {
        let changed = store.change(expected.version, std::slice::from_ref(step)).await.unwrap();
        expected.version = expected.version.next();
        assert_eq!(changed, Saved::Saved(expected.version), "{step}");
        expected.apply(step).unwrap();
        let found = loaded(&store).await.1;
        assert_eq!(held(&found), held(&expected), "{step}");
    }
}

/// What a policy says of roles, whatever the order.
fn held(document: &PolicyDocument) -> BTreeSet<String> {
    let mut said = BTreeSet::new();
    for role in &document.roles {
        let key = role.key();
        said.insert(format!("{key}"));
        said.extend(role.inherits.iter().map(|parent| format!("{key} inherits {parent}")));
        said.extend(role.allow.iter().map(|permission| format!("{key} allows {permission}")));
        said.extend(role.deny.iter().map(|permission| format!("{key} denies {permission}")));
    }
    for assignment in &document.assignments {
        for role in &assignment.roles {
            // A tenant's role is held there, whether that is said or not.
            let place = role.tenant.as_ref().or(assignment.tenant.as_ref());
            said.insert(format!("{:?} is {role} in {place:?}", assignment.principal));
        }
    }
    for direct in &document.direct {
        let (who, place) = (&direct.principal, &direct.tenant);
        said.extend(direct.allow.iter().map(|permission| format!("{who:?} may {permission} in {place:?}")));
        said.extend(
            direct.deny.iter().map(|permission| format!("{who:?} may not {permission} in {place:?}")),
        );
    }
    said
}

/// A change of two steps that is made by half may take away a denial and not what was to come for it.
pub(crate) async fn changes_are_all_made_or_none(store: Store) {
    save(&store, 0, &sample()).await;
    let good = PolicyChange::CreateRole(role("good"));
    let bad = PolicyChange::Inherit { role: role("good"), parent: role("good") };
    assert!(store.change(version(7), &[good.clone(), bad]).await.is_err());
    assert_eq!(loaded(&store).await.1, sample());
    let filled = PolicyChange::Inherit { role: role("good"), parent: role("clerk") };
    let changed = store.change(version(7), &[good, filled]).await.unwrap();
    assert_eq!(changed, Saved::Saved(version(8)));
    assert!(held(&loaded(&store).await.1).contains("good inherits clerk"));
}

/// Whoever was told that their change is stored finds it there, whoever else was at it.
pub(crate) async fn of_writers_at_once_one_wins_each_version(store: Store) {
    const WRITERS: usize = 4;
    const ROUNDS: usize = 5;
    save(&store, 0, &PolicyDocument::new(version(1))).await;
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let mut won = Vec::new();
                let mut expected = version(1);
                for round in 0..ROUNDS {
                    let change = [PolicyChange::CreateRole(role(&format!("w{writer}.{round}")))];
                    loop {
                        match store.change(expected, &change).await.unwrap() {
                            Saved::Saved(version) => {
                                won.push(version);
                                expected = version;
                                break;
                            }
                            Saved::Conflict(found) => expected = found,
                        }
                    }
                }
                won
            })
        })
        .collect();
    let mut versions = Vec::new();
    for writer in writers {
        versions.extend(writer.await.unwrap());
    }
    versions.sort_unstable();
    let all: Vec<_> = (2..).map(version).take(WRITERS * ROUNDS).collect();
    assert_eq!(versions, all);
    assert_eq!(loaded(&store).await.1.roles.len(), WRITERS * ROUNDS);
}

/// Old or new, never a mix of the tables of both.
pub(crate) async fn a_policy_is_read_as_it_was_at_one_moment(store: Store) {
    const VERSIONS: u64 = 40;
    let document = |number: u64| {
        let name = if number.is_multiple_of(2) { "even" } else { "odd" };
        let permission = Action::parse(&format!("thing.{name}")).unwrap();
        let mut document = PolicyDocument::new(version(number)).permission(permission.clone());
        for n in 0..20 {
            let role = role(&format!("{name}{n}"));
            document = document.role(Role::new(role.clone()).allow(&permission));
            document = document.assign(Assignment::new(user(&format!("{name}{n}")), [role]));
        }
        document
    };
    save(&store, 0, &document(1)).await;
    let (sees, mut seen) = tokio::sync::mpsc::unbounded_channel();
    let reader = {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            loop {
                let found = loaded(&store).await.1;
                let number = found.version.get();
                assert_eq!(held(&found), held(&document(number)), "version {number}");
                // The writer waits for the first two only.
                let _ = sees.send(number);
                if number == VERSIONS {
                    break;
                }
            }
        })
    };
    for number in 2..=VERSIONS {
        if number <= 3 {
            while seen.recv().await.is_some_and(|seen| seen < number - 1) {}
        }
        save(&store, number - 1, &document(number)).await;
    }
    reader.await.unwrap();
}

/// More rows than one statement adds, and the last one counts as much as the first.
pub(crate) async fn a_large_policy_is_kept_whole(store: Store) {
    let mut document = PolicyDocument::new(version(1)).permission(Action::from_static("a.b"));
    for n in 0..700 {
        document = document.role(Role::new(role(&format!("r{n:04}"))).allow("a.b"));
    }
    for n in 0..3_000 {
        let holder = user(&format!("u{n:05}"));
        document = document.assign(Assignment::new(holder, [role(&format!("r{:04}", n % 700))]));
    }
    save(&store, 0, &document).await;
    assert_eq!(loaded(&store).await.1, document);
}

pub(crate) async fn what_is_stored_comes_into_force(store: Store) {
    let mut reloader = PolicyReloader::new(Arc::clone(&store), LivePolicy::without_policy());
    assert!(reloader.poll().await.outcome.is_err(), "there is nothing yet");
    save(&store, 0, &sample()).await;
    assert_eq!(reloader.poll().await.outcome.unwrap(), Reloaded::Replaced(version(7)));
    assert_eq!(reloader.poll().await.outcome.unwrap(), Reloaded::Unchanged);
    let revoke = PolicyChange::Revoke { principal: user("ann"), role: role("cashier"), tenant: None };
    let changed = store.change(version(7), &[revoke]).await.unwrap();
    let Saved::Saved(version) = changed else { panic!("{changed:?}") };
    assert!(reloader.live().at_least(version).is_err(), "who asks for it is not answered by the old one");
    assert_eq!(reloader.poll().await.outcome.unwrap(), Reloaded::Replaced(version));
    let held = reloader.live().at_least(version).unwrap().roles().roles_of(&user("ann"));
    assert!(held.iter().all(|role| role.as_str() != "cashier"), "{held:?}");
}

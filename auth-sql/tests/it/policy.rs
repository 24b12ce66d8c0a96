//! Policies in SQLite.

use std::sync::Arc;

use auth_core::{PolicyVersion, StoreError, conformance::Tasks};
use auth_rbac::{
    LivePolicy, Loaded, PolicyChange, PolicyReloader, PolicySource, PolicyStore, PolicyStoreError,
    ReloadError, Reloaded, Revision, Saved, SourceError,
    conformance::{self, policy_store},
    document::PolicyDocument,
};
use auth_sql::SqlitePolicy;

use crate::support::Folder;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn policies_conform() {
    let folder = Folder::new();
    let fresh = || async { folder.fresh().await.policy() };
    policy_store(fresh, &Tasks::new(tokio::spawn).with_rounds(20)).await.assert_passed();
}

fn sample() -> PolicyDocument {
    conformance::sample().unwrap()
}

async fn loaded(store: &Arc<dyn PolicyStore>) -> (Revision, PolicyDocument) {
    match store.load(None).await.unwrap() {
        Loaded::Changed { revision, document } => (revision, *document),
        other => panic!("{other:?}"),
    }
}

const V0: PolicyVersion = PolicyVersion::new(0);

async fn saved(folder: &Folder) -> SqlitePolicy {
    let policy = folder.open().await.policy();
    assert_eq!(policy.save(V0, &sample()).await.unwrap(), Saved::Saved(sample().version));
    policy
}

/// Whatever somebody wrote into the tables, it is an error that names the column, and the policy that was in force stays
/// there. Nothing is left out: what is left out may be what forbids.
#[tokio::test]
async fn a_damaged_policy_is_an_error_that_names_the_column_and_the_old_one_stays() {
    let damages = [
        ("effect", "UPDATE auth_policy_role_permissions SET effect = 'Deny' WHERE effect = 'deny'"),
        ("effect", "UPDATE auth_policy_principal_permissions SET effect = 'deny ' WHERE effect = 'deny'"),
        ("effect", "UPDATE auth_policy_acl SET effect = 'block' WHERE effect = 'deny'"),
        ("permission", "UPDATE auth_policy_permissions SET permission = 'a b' WHERE permission = 'doc.read'"),
        ("tenant", "UPDATE auth_policy_assignments SET tenant = ' ' WHERE tenant <> ''"),
        ("principal_kind", "UPDATE auth_policy_assignments SET principal_kind = 'User'"),
        ("kind", "UPDATE auth_policy_constraints SET kind = 'STATIC' WHERE kind = 'static'"),
        ("too_many", "UPDATE auth_policy_constraints SET too_many = -1"),
        ("owner_keeps", "UPDATE auth_policy_acl_permissions SET owner_keeps = 2"),
        ("trustee", "UPDATE auth_policy_acl SET trustee = 'all' WHERE trustee = 'everyone'"),
        ("trustee_id", "UPDATE auth_policy_acl SET trustee_id = NULL WHERE trustee = 'principal'"),
        ("member_id", "UPDATE auth_policy_group_members SET member_id = char(10) WHERE member_id = 'bob'"),
        ("parent_id", "UPDATE auth_policy_resources SET parent_id = NULL WHERE parent_kind = 'folder'"),
        // What has half a parent inherits what it forbids.
        ("parent_kind", "UPDATE auth_policy_resources SET parent_kind = NULL WHERE parent_kind = 'folder'"),
        (
            "parent_tenant",
            "UPDATE auth_policy_resources SET parent_tenant = NULL WHERE parent_kind = 'folder'",
        ),
        ("owner_id", "UPDATE auth_policy_resources SET owner_id = NULL WHERE owner_id IS NOT NULL"),
        ("owner_realm", "UPDATE auth_policy_resources SET owner_kind = 'user' WHERE owner_id IS NULL"),
        ("trustee_id", "UPDATE auth_policy_acl SET trustee_id = 'ann' WHERE trustee = 'everyone'"),
        ("trustee_kind", "UPDATE auth_policy_acl SET trustee_kind = 'user' WHERE trustee = 'owner'"),
        ("trustee_kind", "UPDATE auth_policy_acl SET trustee_kind = 'user' WHERE trustee = 'group'"),
        ("breaks_inheritance", "UPDATE auth_policy_resources SET breaks_inheritance = 7"),
        ("body", "UPDATE auth_policy_rules SET body = replace(body, 'deny', 'DENY')"),
        ("body", "UPDATE auth_policy_rules SET body = '{}'"),
        ("name", "UPDATE auth_policy_rules SET name = 'other' WHERE place = 0"),
        ("combining", "UPDATE auth_policy SET combining = 'allow-overrides'"),
        ("acl_order", "UPDATE auth_policy SET acl_order = 'last-match'"),
        // What lists forbid is not passed over because nobody says in which order.
        ("acl_order", "UPDATE auth_policy SET acl_order = NULL"),
        ("attributes", "UPDATE auth_policy SET attributes = '{\"contex\": {}}'"),
        ("role", "PRAGMA foreign_keys = OFF; DELETE FROM auth_policy_roles WHERE role = 'auditor'"),
        ("id", "PRAGMA foreign_keys = OFF; DELETE FROM auth_policy_resources WHERE kind = 'doc'"),
        ("stamp", "UPDATE auth_policy SET stamp = printf('%065d', 1)"),
        ("version", "UPDATE auth_policy SET version = -9"),
        ("version", "DELETE FROM auth_policy"),
    ];
    for (column, damage) in damages {
        let folder = Folder::new();
        let policy = saved(&folder).await;
        let mut reloader = PolicyReloader::new(policy, LivePolicy::without_policy());
        assert!(reloader.poll().await.outcome.is_ok());
        folder.run(damage).await;
        folder.run("UPDATE auth_policy SET version = version + 1").await;
        let outcome = reloader.poll().await.outcome;
        let named = matches!(
            &outcome,
            Err(ReloadError::Source(SourceError::Store(StoreError::Corrupt(found)))) if *found == column
        );
        assert!(named, "{damage}: {outcome:?}");
        assert_eq!(reloader.live().policy().unwrap().version(), sample().version, "{damage}");
    }
}

/// The tables are for statements of one's own too, as long as these raise the version.
#[tokio::test]
async fn rows_that_somebody_wrote_count_once_the_version_is_larger() {
    let folder = Folder::new();
    let mut reloader = PolicyReloader::new(saved(&folder).await, LivePolicy::without_policy());
    assert!(reloader.poll().await.outcome.is_ok());
    folder
        .run(
            "BEGIN; INSERT INTO auth_policy_assignments VALUES ('local:default', 'user', 'eve', '', '', 'clerk'); \
            UPDATE auth_policy SET version = version + 1; COMMIT",
        )
        .await;
    let version = sample().version.next();
    assert_eq!(reloader.poll().await.outcome.unwrap(), Reloaded::Replaced(version));
    let eve = auth_core::PrincipalId::local_user("eve").unwrap();
    assert_eq!(reloader.live().policy().unwrap().roles().roles_of(&eve).len(), 1);
    // No policy, and so reported: the old one stays.
    folder
        .run(
            "INSERT INTO auth_policy_inheritance VALUES ('', 'clerk', '', 'cashier'); \
            UPDATE auth_policy SET version = version + 1",
        )
        .await;
    let outcome = reloader.poll().await.outcome;
    assert!(matches!(outcome, Err(ReloadError::Source(SourceError::Document(_)))), "{outcome:?}");
    assert_eq!(reloader.live().policy().unwrap().version(), version);
    // What refers to nothing is refused at once.
    let stray =
        "INSERT INTO auth_policy_assignments VALUES ('local:default', 'user', 'eve', '', '', 'nobody')";
    assert!(sqlx::raw_sql(stray).execute(&mut folder.stranger().await).await.is_err());
}

/// After a failover, or from a backup, a number may be there a second time with other rows: the revocation in them must
/// not pass for what is known.
#[tokio::test]
async fn another_policy_of_the_version_in_force_is_noticed() {
    let folder = Folder::new();
    let policy = saved(&folder).await;
    let mut reloader = PolicyReloader::new(policy.clone(), LivePolicy::without_policy());
    assert!(reloader.poll().await.outcome.is_ok());
    folder
        .run(
            "BEGIN; DELETE FROM auth_policy_assignments WHERE role = 'cashier'; \
            UPDATE auth_policy SET stamp = 'of another one'; COMMIT",
        )
        .await;
    let outcome = reloader.poll().await.outcome;
    assert!(matches!(outcome, Err(ReloadError::SameVersion(version)) if version == sample().version));
    // The same number given twice by programs.
    let other = Folder::new();
    let one = loaded(&(Arc::new(saved(&other).await) as Arc<dyn PolicyStore>)).await.0;
    assert!(matches!(policy.load(Some(&one)).await.unwrap(), Loaded::Changed { .. }));
}

/// A column holds no larger one, and what it held instead would be another's.
#[tokio::test]
async fn a_version_that_a_column_cannot_hold_is_not_stored() {
    let folder = Folder::new();
    let policy = saved(&folder).await;
    for offered in [1 << 63, u64::MAX] {
        let document = PolicyDocument::new(PolicyVersion::new(offered));
        let refused = policy.save(sample().version, &document).await;
        assert!(matches!(refused, Err(PolicyStoreError::Version { .. })), "{offered}: {refused:?}");
    }
}

/// Whoever sends too much costs no look at the policy.
#[tokio::test]
async fn too_many_changes_are_refused_before_the_policy_is_read() {
    let folder = Folder::new();
    let policy = saved(&folder).await;
    folder.run("UPDATE auth_policy SET combining = 'no such word'").await;
    let change = PolicyChange::CreateRole(auth_core::RoleName::from_static("x").into());
    let many = vec![change; auth_rbac::Administration::MAX_CHANGES + 1];
    let refused = policy.change(sample().version, &many).await;
    assert!(matches!(refused, Err(PolicyStoreError::TooMany)), "{refused:?}");
}

/// A table that grew without end must not take all memory of every process that looks at it.
#[tokio::test]
async fn more_rows_than_a_policy_may_have_are_not_read() {
    let folder = Folder::new();
    let policy = saved(&folder).await;
    let known = loaded(&(Arc::new(policy.clone()) as Arc<dyn PolicyStore>)).await.0;
    folder
        .run(
            "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 1048577) \
            INSERT INTO auth_policy_permissions SELECT 'p' || n FROM n",
        )
        .await;
    assert!(policy.load(Some(&known)).await.is_ok(), "it is not looked at before the version is larger");
    let outcome = policy.load(None).await;
    assert!(matches!(outcome, Err(SourceError::TooLarge { max: 1_048_576 })), "{outcome:?}");
    let change = [PolicyChange::CreateRole(auth_core::RoleName::from_static("x").into())];
    let refused = policy.change(sample().version, &change).await;
    assert!(matches!(refused, Err(PolicyStoreError::TooLarge { max: 1_048_576 })), "{refused:?}");
    // A smaller one may take its place.
    let small = PolicyDocument::new(sample().version.next());
    assert_eq!(policy.save(sample().version, &small).await.unwrap(), Saved::Saved(small.version));
    let policy: Arc<dyn PolicyStore> = Arc::new(policy);
    assert_eq!(loaded(&policy).await.1, small);
}

/// A reload must not wait for whoever writes, nor make anybody wait.
#[tokio::test]
async fn a_policy_is_read_while_another_program_writes() {
    let folder = Folder::new();
    let policy: Arc<dyn PolicyStore> = Arc::new(saved(&folder).await);
    let mut stranger = folder.stranger().await;
    sqlx::raw_sql("BEGIN IMMEDIATE; DELETE FROM auth_policy_roles").execute(&mut stranger).await.unwrap();
    assert_eq!(loaded(&policy).await.1, sample());
}

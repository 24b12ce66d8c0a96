//! Policies on servers, beside the suite of `conformance`.

use std::sync::Arc;

use auth_core::{PolicyVersion, PrincipalId, RoleName, StoreError};
use auth_rbac::{
    LivePolicy, Loaded, PolicyChange, PolicyReloader, PolicyStore, PolicyStoreError, ReloadError, Reloaded,
    RoleKey, Saved, SourceError, document::PolicyDocument,
};

use crate::support::{Server, TIMEOUT, on_every_server};

on_every_server!(
    rows_that_somebody_wrote_count_once_the_version_is_larger,
    another_policy_of_the_version_in_force_is_noticed,
    a_damaged_policy_is_an_error_that_names_the_column_and_the_old_one_stays,
    a_policy_that_somebody_holds_is_read_and_not_written,
);

fn sample() -> PolicyDocument {
    auth_rbac::conformance::sample().unwrap()
}

async fn loaded(store: &Arc<dyn PolicyStore>) -> PolicyDocument {
    match store.load(None).await.unwrap() {
        Loaded::Changed { document, .. } => *document,
        other => panic!("{other:?}"),
    }
}

const V0: PolicyVersion = PolicyVersion::new(0);

async fn saved(policy: &Arc<dyn PolicyStore>) -> PolicyReloader {
    assert_eq!(policy.save(V0, &sample()).await.unwrap(), Saved::Saved(sample().version));
    let mut reloader = PolicyReloader::new(Arc::clone(policy), LivePolicy::without_policy());
    assert_eq!(reloader.poll().await.outcome.unwrap(), Reloaded::Replaced(sample().version));
    reloader
}

/// The tables are for statements of one's own too, as long as these raise the version.
async fn rows_that_somebody_wrote_count_once_the_version_is_larger<S: Server>() {
    let server = S::shared();
    let url = server.create().await;
    let mut reloader = saved(&S::open(&url, TIMEOUT).await.unwrap().policy).await;
    let eve = "INSERT INTO auth_policy_assignments VALUES ('local:default', 'user', 'eve', '', '', 'clerk'); \
        UPDATE auth_policy SET version = version + 1";
    S::run(&url, eve).await;
    let version = sample().version.next();
    assert_eq!(reloader.poll().await.outcome.unwrap(), Reloaded::Replaced(version));
    let eve = PrincipalId::local_user("eve").unwrap();
    assert_eq!(reloader.live().policy().unwrap().roles().roles_of(&eve).len(), 1);
    // No policy, and so reported: the old one stays.
    let circle = "INSERT INTO auth_policy_inheritance VALUES ('', 'clerk', '', 'cashier'); \
        UPDATE auth_policy SET version = version + 1";
    S::run(&url, circle).await;
    let outcome = reloader.poll().await.outcome;
    assert!(matches!(outcome, Err(ReloadError::Source(SourceError::Document(_)))), "{outcome:?}");
    assert_eq!(reloader.live().policy().unwrap().version(), version);
}

/// A failover may bring back a number that was given already, with other rows.
async fn another_policy_of_the_version_in_force_is_noticed<S: Server>() {
    let server = S::shared();
    let url = server.create().await;
    let mut reloader = saved(&S::open(&url, TIMEOUT).await.unwrap().policy).await;
    let other = "DELETE FROM auth_policy_assignments WHERE role = 'cashier'; \
        UPDATE auth_policy SET stamp = 'of another one'";
    S::run(&url, other).await;
    let outcome = reloader.poll().await.outcome;
    assert!(matches!(outcome, Err(ReloadError::SameVersion(version)) if version == sample().version));
}

/// A denial that is misspelt must not be left out, nor be an allowance.
async fn a_damaged_policy_is_an_error_that_names_the_column_and_the_old_one_stays<S: Server>() {
    for (column, damage) in [
        ("effect", "UPDATE auth_policy_role_permissions SET effect = 'DENY' WHERE effect = 'deny'"),
        ("acl_order", "UPDATE auth_policy SET acl_order = NULL"),
        ("parent_kind", "UPDATE auth_policy_resources SET parent_kind = NULL WHERE parent_kind = 'folder'"),
        ("owner_id", "UPDATE auth_policy_resources SET owner_id = NULL WHERE owner_id IS NOT NULL"),
        ("trustee_id", "UPDATE auth_policy_acl SET trustee_id = 'ann' WHERE trustee = 'everyone'"),
        ("too_many", "UPDATE auth_policy_constraints SET too_many = -1"),
        ("body", "UPDATE auth_policy_rules SET body = '{}'"),
    ] {
        let server = S::shared();
        let url = server.create().await;
        let mut reloader = saved(&S::open(&url, TIMEOUT).await.unwrap().policy).await;
        S::run(&url, damage).await;
        S::run(&url, "UPDATE auth_policy SET version = version + 1").await;
        let outcome = reloader.poll().await.outcome;
        let named = matches!(
            &outcome,
            Err(ReloadError::Source(SourceError::Store(StoreError::Corrupt(found)))) if *found == column
        );
        assert!(named, "{damage}: {outcome:?}");
        assert_eq!(reloader.live().policy().unwrap().version(), sample().version, "{damage}");
    }
}

/// Whoever is in the middle of a change stops no reload, and a second change ends in time, without having been made.
async fn a_policy_that_somebody_holds_is_read_and_not_written<S: Server>() {
    let server = S::shared();
    let url = server.create().await;
    let policy = S::open(&url, TIMEOUT).await.unwrap().policy;
    saved(&policy).await;
    let held = S::hold(&url, "auth_policy").await;
    assert_eq!(loaded(&policy).await, sample());
    let role = RoleKey::from(RoleName::from_static("late"));
    let refused = policy.change(sample().version, &[PolicyChange::CreateRole(role)]).await;
    assert!(matches!(refused, Err(PolicyStoreError::Store(_))), "{refused:?}");
    drop(held);
    assert_eq!(loaded(&policy).await, sample());
}

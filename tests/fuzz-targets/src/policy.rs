//! Targets of `auth-rbac`.

use auth_core::{
    AccessRequest, Action, PrincipalId, Resource, ResourceKind, UnixTime, testing::authenticated_as,
};
use auth_rbac::{Engine, Policy, document::PolicyDocument};

/// Of each sort, so many are asked for: enough to fall into every model, few enough for a thousand documents a second.
const ASKED: usize = 4;

/// A policy document in TOML or JSON: what is read is written and read again as the same, and compiles or is refused.
/// What compiles is asked by everybody it names, for everything.
pub fn policy_document(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let read = [PolicyDocument::from_toml(text), PolicyDocument::from_json(text)];
    for document in read.into_iter().flatten() {
        assert_eq!(PolicyDocument::from_toml(&document.to_toml().unwrap()).as_ref(), Ok(&document));
        assert_eq!(PolicyDocument::from_json(&document.to_json().unwrap()).as_ref(), Ok(&document));
        if let Ok(policy) = document.compile() {
            assert_eq!(policy.version(), document.version);
            ask(&document, &policy);
        }
    }
}

/// An explanation is of the verdict, which is the same however often it is asked for.
fn ask(document: &PolicyDocument, policy: &Policy) {
    let lists = document.acl.iter().flat_map(|lists| &lists.resources);
    let stranger = PrincipalId::local_user("a stranger").unwrap();
    let assigned = document.assignments.iter().map(|assignment| &assignment.principal).take(ASKED);
    let direct = document.direct.iter().map(|direct| &direct.principal).take(ASKED);
    let owners = lists.clone().filter_map(|list| list.owner.as_ref()).take(ASKED);
    let principals = assigned.chain(direct).chain(owners).chain([&stranger]);

    let unheard_of = Action::from_static("unheard.of");
    let of_lists = document.acl.iter().flat_map(|lists| &lists.permissions).take(ASKED);
    let actions: Vec<&Action> =
        document.permissions.iter().take(ASKED).chain(of_lists).chain([&unheard_of]).collect();

    let listed = lists.map(|list| list.resource.clone()).take(ASKED);
    let kinds = document.schema.iter().flat_map(|schema| schema.kinds()).take(ASKED);
    let any = kinds.cloned().chain([ResourceKind::from_static("thing")]).map(Resource::any);
    let resources: Vec<Resource> = listed.chain(any).collect();

    for principal in principals {
        let who = authenticated_as(principal, UnixTime::from_secs(1_769_769_000));
        for action in &actions {
            for resource in &resources {
                let request = AccessRequest::new(&who, action, resource, UnixTime::from_secs(1_769_769_060));
                let verdict = policy.evaluate(&request).unwrap();
                assert_eq!(policy.evaluate(&request).unwrap(), verdict);
                let explanation = policy.explain(&request).unwrap();
                assert_eq!(explanation.verdict(), &verdict);
                assert!(!explanation.to_string().is_empty());
                assert!(policy.describe(&verdict).is_ok());
            }
        }
    }
}

//! What the audit log is told of tokens that are refused. The client is told one word.

use std::sync::Arc;

use async_trait::async_trait;
use auth_core::{
    AuditEvent, AuthEpoch, EpochSource, KeyThumbprint, Method, PrincipalId, RejectionReason, SessionTerms,
    StoreError, testing::block_on,
};
use auth_session::{EpochCheck, RefreshToken};

use crate::{
    refresh::{Api, secs, text},
    support::{login, policy, user},
};

/// Accounts that have changed since anybody logged in.
struct Changed;

#[async_trait]
impl EpochSource for Changed {
    async fn epoch_of(&self, _: &PrincipalId) -> Result<Option<AuthEpoch>, StoreError> {
        Ok(Some(AuthEpoch::new(9)))
    }
}

fn told(api: &Api) -> Vec<(RejectionReason, Option<PrincipalId>)> {
    let events = api.app.audit.events().into_iter();
    events
        .filter_map(|(_, event)| match event {
            AuditEvent::CredentialRefused { reason, method, principal, source: None } => {
                assert_eq!(method, Method::REFRESH_TOKEN);
                Some((reason, principal))
            }
            _ => None,
        })
        .collect()
}

fn forged(token: &RefreshToken) -> RefreshToken {
    let mut text = text(token);
    let last = if text.ends_with('A') { 'E' } else { 'A' };
    text.pop();
    RefreshToken::parse(format!("{text}{last}").as_bytes()).unwrap()
}

/// Somebody tries stolen, ended or made-up tokens: whoever looks after the service must be able to see it.
#[test]
fn why_a_token_was_refused_is_written_down_with_whose_it_was() {
    let (ended, ann) = (Api::new(), Some(user("ann")));
    let token = ended.log_in("ann");
    assert_eq!(ended.refused(&forged(&token)), RejectionReason::Signature);
    assert!(block_on(ended.tokens.revoke(&token)).unwrap());
    assert_eq!(ended.refused(&token), RejectionReason::Unknown);
    assert_eq!(told(&ended), [(RejectionReason::Signature, None), (RejectionReason::Unknown, None)]);

    let changed = Api::with(policy(), EpochCheck::by(Arc::new(Changed)));
    let token = changed.log_in("ann");
    assert_eq!(changed.refused(&token), RejectionReason::Revoked);
    assert_eq!(told(&changed), [(RejectionReason::Revoked, ann.clone())]);

    let bound = Api::new();
    let mut terms = SessionTerms::new();
    terms.bound_key = Some(KeyThumbprint::parse("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs").unwrap());
    let token = block_on(bound.tokens.issue(login("ann"), terms)).unwrap().token;
    assert_eq!(bound.refused(&token), RejectionReason::WrongUse);
    assert_eq!(told(&bound), [(RejectionReason::WrongUse, ann)]);

    let replayed = Api::new();
    let first = replayed.log_in("ann");
    replayed.next(&replayed.next(&first));
    replayed.app.step(secs(31));
    assert_eq!(replayed.refused(&first), RejectionReason::Replayed);
    assert!(told(&replayed).is_empty() && replayed.app.has_audit("session.replayed"));
}

/// A flood of forgeries is one line a second, and hides nobody's ended token; that is one line a minute.
#[test]
fn who_is_refused_again_and_again_does_not_fill_the_log() {
    let api = Api::new();
    let (token, other) = (api.log_in("ann"), api.log_in("ann"));
    for token in [&token, &other] {
        assert!(block_on(api.tokens.revoke(token)).unwrap());
    }
    let flood = || {
        for _ in 0..50 {
            api.refused(&forged(&token));
            api.refused(&token);
        }
        told(&api).iter().map(|(reason, _)| *reason).collect::<Vec<_>>()
    };
    let (forged, unknown) = (RejectionReason::Signature, RejectionReason::Unknown);
    assert_eq!(flood(), [forged, unknown]);
    api.refused(&other);
    assert_eq!(told(&api).len(), 3, "another login's is told");
    api.app.step(secs(1));
    assert_eq!(flood(), [forged, unknown, unknown, forged]);
    api.app.step(secs(59));
    assert_eq!(flood(), [forged, unknown, unknown, forged, forged, unknown]);
}

//! Beginning a login with a refresh token.

use std::sync::Arc;

use auth_core::{
    LiveSession, Login, SecretState, SessionBlob, SessionId, SessionKind, SessionOwner, SessionRecord,
    SessionTerms, Unavailable, Version,
};

use crate::{
    refresh::{RefreshToken, RefreshTokens},
    session::{New, StartError},
};

/// A login began, and its first refresh token was issued.
#[derive(Debug)]
#[must_use = "a token that does not reach the client is a login that nobody has"]
#[non_exhaustive]
pub struct RefreshIssued {
    /// For the client, and for nobody else.
    pub token: RefreshToken,
    /// Proof that the session is alive: what an access token is issued for.
    pub live: LiveSession,
    /// How many older sessions of the principal ended because of a limit.
    pub ended_by_limit: u32,
}

impl RefreshTokens {
    /// Begins a session with a login, and issues its first token.
    ///
    /// `terms` are what the list of devices shows of the client, and how long it may stay away if that is not what
    /// the policy says. A [key that the client must prove](SessionTerms::bound_key) cannot be checked yet: a login that
    /// has one is never refreshed.
    ///
    /// # Errors
    /// [`StartError`]. The login is used up.
    pub async fn issue(&self, login: Login, terms: SessionTerms) -> Result<RefreshIssued, StartError> {
        let engine = &self.engine;
        let authentication = Arc::new(login.into_authentication());
        let owner = SessionOwner::new(authentication.principal.clone(), &engine.keys);
        let terms = (!terms.is_empty()).then(|| Arc::new(terms));
        let now = engine.clock.now();
        let absolute_until = now.saturating_add(self.policy.absolute());
        let idle_until = now.saturating_add(self.policy.idle_of(terms.as_deref())).min(absolute_until);
        let make = |id: SessionId| -> Result<_, Unavailable> {
            let token = RefreshToken::make(&engine.keys, id, 0);
            let record = SessionRecord {
                id,
                kind: SessionKind::Refresh,
                authentication: Some(Arc::clone(&authentication)),
                terms: terms.clone(),
                secret: SecretState::first(token.hash(), now),
                version: Version::FIRST,
                created_at: now,
                last_used_at: now,
                idle_until,
                absolute_until,
                data: SessionBlob::empty(),
            };
            Ok((record, token))
        };
        match engine.insert(Some(&owner), engine.policy.limit(), now, make).await? {
            New::Stored { live: record, secret: token, ended } => {
                let live = LiveSession::assertion(record.id, authentication, absolute_until);
                Ok(RefreshIssued { token, live, ended_by_limit: ended })
            }
            New::LimitReached => Err(StartError::LimitReached),
            New::Outdated => Err(StartError::Outdated),
        }
    }
}

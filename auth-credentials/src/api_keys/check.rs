//! One check of a key.

use std::net::IpAddr;

use async_trait::async_trait;
use auth_core::{
    AccountStatus, AuditEvent, AuthenticateError, Authenticated, Authentication, Authenticator, Method,
    PrincipalId, RejectionReason, SecretHash,
};

use super::{ApiKeys, credential::ApiKeyCredential, stored::StoredKey, text::ParsedApiKey};
use crate::{source::SourceKey, throttle::ThrottleError};

#[async_trait]
impl Authenticator for ApiKeys {
    type Credential = ApiKeyCredential;
    type Proof = Authenticated;

    async fn authenticate(&self, credential: ApiKeyCredential) -> Result<Authenticated, AuthenticateError> {
        let source = credential.source;
        let checks = self.accounts.authenticator();
        let refused = |reason: RejectionReason, principal| {
            let method = Method::API_KEY;
            checks.record(&AuditEvent::CredentialRefused { reason, method, principal, source });
            AuthenticateError::from(reason)
        };
        // Nothing is looked up: whoever copied a key wrong is told at once, and has guessed nothing.
        let key = self.prefix.read(credential.text.expose());
        let key = key.map_err(|_| refused(RejectionReason::Malformed, None))?;
        let (reason, principal) = match self.check(&key, source).await? {
            Ok(authentication) => return Ok(Authenticated::assertion(authentication)),
            Err(refused) => refused,
        };
        // Only what was refused is counted and throttled: a key costs no write, and whoever shares an address with a
        // program whose key was revoked gets through.
        let tries = self.throttle.tries(&self.realm, None, SourceKey::from_peer(source), checks.clock.now());
        if let Err(error) = tries.look().await {
            if let ThrottleError::Throttled(_) = error {
                let what = self.throttle.purpose().as_str();
                checks.record(&AuditEvent::Throttled { what, principal: None, source });
            }
            return Err(error.into());
        }
        tries.count_only().await?;
        Err(refused(reason, principal))
    }
}

impl ApiKeys {
    async fn check(
        &self,
        key: &ParsedApiKey,
        source: Option<IpAddr>,
    ) -> Result<Result<Authentication, (RejectionReason, Option<PrincipalId>)>, AuthenticateError> {
        let checks = self.accounts.authenticator();
        let row = self.key(&key.id);
        let found = checks.stores.credentials.find(&row).await?;
        let stored = found.as_ref().and_then(|found| StoredKey::read(found.credential.data.expose()));
        // The same work for an id that nobody has.
        let nobodys = SecretHash::from_bytes([0; 32]);
        let same = key.hash.ct_eq(stored.as_ref().map_or(&nobodys, |stored| &stored.hash));
        let Some(found) = found else { return Ok(Err((RejectionReason::Unknown, None))) };
        let record = found.credential;
        // Whose it is gets written down only for who had the key.
        let Some(stored) = stored else { return Ok(Err((RejectionReason::Corrupt, Some(record.owner)))) };
        if !same {
            return Ok(Err((RejectionReason::Mismatch, None)));
        }
        let now = checks.clock.now();
        let refuse = |reason| Ok(Err((reason, Some(record.owner.clone()))));
        if found.status != AccountStatus::Active {
            return refuse(RejectionReason::Disabled);
        }
        if record.expires_at.is_some_and(|expires_at| now >= expires_at) {
            return refuse(RejectionReason::Expired);
        }
        if stored.epoch.is_some_and(|epoch| epoch != found.epoch) {
            return refuse(RejectionReason::Revoked);
        }
        if let Some(networks) = &stored.limits.networks
            && !source.is_some_and(|source| networks.iter().any(|network| network.contains(source)))
        {
            return refuse(RejectionReason::Policy);
        }
        self.uses.note(row, &record, now);
        // As old as the key, so that no key passes for a login of a moment ago.
        let authentication =
            Authentication::new(record.owner, Method::API_KEY, record.created_at, found.epoch);
        Ok(Ok(authentication.with_limits(stored.limits)))
    }
}

//! One check of a key.

use std::net::IpAddr;

use async_trait::async_trait;
use auth_core::{
    AccountStatus, AuditEvent, AuthenticateError, Authenticated, Authentication, Authenticator,
    CredentialKey, FoundCredential, Method, PrincipalId, RejectionReason, SecretHash,
};

use super::{
    ApiKeys,
    credential::ApiKeyCredential,
    stored::StoredKey,
    text::{ApiKeyId, ParsedApiKey},
};
use crate::{source::SourceKey, throttle::ThrottleError};

/// What comes of a check: why a key is refused, and whose it is where that is known and was shown.
pub(crate) type Checked = Result<Authentication, (RejectionReason, Option<PrincipalId>)>;

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
        // Whoever can compute a checksum can make up keys without end, so a source of too many is turned away before the
        // store is asked. Whoever shares an address with it gets through with a key that was good before; only what was
        // refused is counted, so a key costs no write.
        let tries = self.throttle.tries(&self.realm, None, SourceKey::from_peer(source), checks.clock.now());
        if !self.good.has(&key.hash)
            && let Err(error) = tries.look().await
        {
            if let ThrottleError::Throttled(_) = error {
                let what = self.throttle.purpose().as_str();
                checks.record(&AuditEvent::Throttled { what, principal: None, source });
            }
            return Err(error.into());
        }
        match self.check(&key, source).await? {
            Ok(authentication) => {
                self.good.note(key.hash);
                Ok(Authenticated::assertion(authentication))
            }
            Err((reason, principal)) => {
                self.good.forget(&key.hash);
                tries.count_only().await?;
                Err(refused(reason, principal))
            }
        }
    }
}

impl ApiKeys {
    async fn check(&self, key: &ParsedApiKey, source: Option<IpAddr>) -> Result<Checked, AuthenticateError> {
        let checks = self.accounts.authenticator();
        let row = self.key(&key.id);
        let found = checks.stores.credentials.find(&row).await?;
        let stored = found.as_ref().and_then(|found| StoredKey::read(found.credential.data.expose()));
        // The same work for an id that nobody has.
        let nobodys = SecretHash::from_bytes([0; 32]);
        let same = key.hash.ct_eq(stored.as_ref().map_or(&nobodys, |stored| &stored.hash));
        let Some(found) = found else { return Ok(Err((RejectionReason::Unknown, None))) };
        // Whose it is gets written down only for who had the key.
        let Some(stored) = stored else {
            return Ok(Err((RejectionReason::Corrupt, Some(found.credential.owner))));
        };
        if !same {
            return Ok(Err((RejectionReason::Mismatch, None)));
        }
        Ok(self.admit(row, found, stored, source))
    }

    /// The key of this id, whose secret was shown in another way.
    pub(crate) async fn check_id(
        &self,
        id: &ApiKeyId,
        source: Option<IpAddr>,
    ) -> Result<Checked, AuthenticateError> {
        let row = self.key(id);
        let found = self.accounts.authenticator().stores.credentials.find(&row).await?;
        let Some(found) = found else { return Ok(Err((RejectionReason::Unknown, None))) };
        let Some(stored) = StoredKey::read(found.credential.data.expose()) else {
            return Ok(Err((RejectionReason::Corrupt, Some(found.credential.owner))));
        };
        Ok(self.admit(row, found, stored, source))
    }

    /// What is left to ask of a key that was shown.
    fn admit(
        &self,
        row: CredentialKey,
        found: FoundCredential,
        stored: StoredKey,
        source: Option<IpAddr>,
    ) -> Checked {
        let record = found.credential;
        let now = self.accounts.authenticator().clock.now();
        let refuse = |reason| Err((reason, Some(record.owner.clone())));
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
        Ok(authentication.with_limits(stored.limits))
    }
}

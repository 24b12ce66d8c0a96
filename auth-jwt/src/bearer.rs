//! Bearer tokens as a credential.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use auth_core::{
    Assurance, AuthEpoch, AuthenticateError, Authenticated, Authentication, Authenticator, Clock,
    EpochSource, Limits, Method, PrincipalId, PrincipalKind, Realm, RejectionReason, RoleName, Scopes,
    SystemClock, UnixTime,
};

use crate::{
    AccessToken, CacheCapacity, Claims, FetchKeySet, RemoteVerifier, RoleMapping, TokenBuffer, Verified,
    Verifier,
    cached::entries::TokenCache,
    context::{LocalClaims, ReadContext},
    remote::VerifierSource,
};

/// A bearer authenticator that contradicts itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BearerError {
    /// The realm that the issuer's subjects were declared to belong to is not a local one.
    #[error("realm is not local")]
    ForeignRealm,
    /// Epochs are kept for local accounts, so only a local issuer's tokens can be checked against them.
    #[error("epochs can only be checked for a local issuer")]
    ForeignEpochs,
}

/// Code that checks bearer tokens (RFC 6750) and yields [`Authenticated`]; not the thing that a person holds.
///
/// | of the token | becomes |
/// |---|---|
/// | `iss`, `sub` | the principal. Its realm is the issuer's, so that `sub: "1"` of a stranger is never local user 1, unless the issuer is [declared local](Self::local_issuer) |
/// | `sub` equal to `client_id` | a service (RFC 9068 section 2.2: the client acts for itself), else a user |
/// | `scope` | the only scopes in [`Limits`]. Without it there are none, and nothing that needs one is allowed |
/// | `auth_time` | when the login was. Without it: 1970, which is never fresh enough |
/// | `amr` | methods, seven at most, and [`Method::BEARER_TOKEN`] after them: whoever has a copy of the token is not the person who logged in. The assurance of a foreign token is always AAL1 |
/// | role claims | nothing, unless a [mapping](Self::with_role_mapping) says which of them are which of our roles |
/// | `cnf` | a refusal: the token is bound to a key, and nobody here asks for the proof (RFC 7800, RFC 9449 section 7.2) |
///
/// Tokens that our own [`TokenIssuer`](crate::TokenIssuer) made, accepted by a local authenticator, give back
/// the authentication that they were issued on, limits, actor and epoch included, with [`Method::BEARER_TOKEN`] at the
/// end of its methods.
///
/// ```
/// use std::sync::Arc;
/// use auth_core::{EpochSource, Realm};
/// use auth_jwt::{BearerAuthenticator, BearerError, Verifier};
///
/// fn own_tokens(verifier: Verifier, epochs: Arc<dyn EpochSource>) -> Result<BearerAuthenticator, BearerError> {
///     BearerAuthenticator::new(verifier).local_issuer(Realm::LOCAL)?.with_epochs(epochs)
/// }
/// ```
#[derive(Clone)]
pub struct BearerAuthenticator {
    verifier: Source,
    local: Option<Realm>,
    epochs: Option<Arc<dyn EpochSource>>,
    roles: Vec<RoleMapping>,
    cache: Option<Arc<TokenCache<Accepted>>>,
    clock: Arc<dyn Clock>,
}

/// Where the keys are.
#[derive(Debug, Clone)]
enum Source {
    Here(Verifier),
    Remote(Arc<dyn VerifierSource>),
}

impl BearerAuthenticator {
    /// Accepts the tokens that `verifier` accepts, from an issuer who is not us.
    ///
    /// Tokens of our own [`TokenIssuer`](crate::TokenIssuer) need [`local_issuer`](Self::local_issuer) as well.
    /// Without it they are a stranger's: their principal is nobody who has an account here, and what they say
    /// of tenant, networks and actor is not read.
    #[must_use]
    pub fn new(verifier: Verifier) -> Self {
        Self::of(Source::Here(verifier))
    }

    /// The same under keys that the issuer publishes. While they cannot be had, nothing is accepted, and the
    /// answer is that the service is unavailable (HTTP 503).
    #[must_use]
    pub fn remote<F: FetchKeySet + 'static>(verifier: RemoteVerifier<F>) -> Self {
        Self::of(Source::Remote(Arc::new(verifier)))
    }

    fn of(verifier: Source) -> Self {
        let clock = Arc::new(SystemClock);
        Self { verifier, local: None, epochs: None, roles: Vec::new(), cache: None, clock }
    }

    /// Declares that the issuer's subjects are the principals of a local realm.
    ///
    /// # Errors
    /// [`BearerError::ForeignRealm`] if `realm` is not local.
    pub fn local_issuer(mut self, realm: Realm) -> Result<Self, BearerError> {
        if !realm.is_local() {
            return Err(BearerError::ForeignRealm);
        }
        self.local = Some(realm);
        Ok(self.read_anew())
    }

    /// Grants the roles that this mapping makes of a claim, for the requests that come with the token. Several
    /// mappings add up. Without one, what a token calls roles means nothing.
    ///
    /// What is allowed is still within the token's scopes.
    #[must_use]
    pub fn with_role_mapping(mut self, mapping: RoleMapping) -> Self {
        self.roles.push(mapping);
        self.read_anew()
    }

    /// What a clone of this has read in another way must not be remembered here.
    fn read_anew(mut self) -> Self {
        self.cache = self.cache.map(|cache| Arc::new(TokenCache::new(cache.capacity())));
        self
    }

    /// Refuses tokens whose epoch is not the account's present one: they end when the password changes or
    /// the account is disabled, and not only when they expire. Costs one look-up a token.
    ///
    /// Tokens without an epoch are refused as well.
    ///
    /// # Errors
    /// [`BearerError::ForeignEpochs`] unless the issuer was [declared local](Self::local_issuer) before.
    pub fn with_epochs(mut self, epochs: Arc<dyn EpochSource>) -> Result<Self, BearerError> {
        if self.local.is_none() {
            return Err(BearerError::ForeignEpochs);
        }
        self.epochs = Some(epochs);
        Ok(self)
    }

    /// Remembers the tokens that were accepted, so that one that is presented again is neither verified nor read
    /// again. Its dates, revocations and epoch are checked each time.
    ///
    /// What makes that safe is said of [`CachedVerifier`](crate::CachedVerifier).
    #[must_use]
    pub fn with_cache(mut self, capacity: CacheCapacity) -> Self {
        self.cache = Some(Arc::new(TokenCache::new(capacity)));
        self
    }

    /// The same with another clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// All that can be said without a store, from the cache if there is one.
    fn accept(&self, verifier: &Verifier, token: &str, now: UnixTime) -> Result<Accepted, AuthenticateError> {
        let Some(cache) = &self.cache else {
            return self.read(verifier, token, now).map(|(_, read)| read.into());
        };
        if let Some(verified) = cache.get(verifier, token, now) {
            let verified = verified?;
            // Unless the clock has stepped back behind a login that it had held to be in the past.
            if verified.own().authenticated.authentication().at <= now {
                return Ok(verified.own().clone());
            }
        }
        let provenance = verifier.provenance(token);
        let (claims, read) = self.read(verifier, token, now)?;
        let accepted = Accepted::from(read);
        let verified = Arc::new(Verified::assertion(claims, accepted.clone()));
        cache.put(verifier, token, &verified, provenance, now);
        Ok(accepted)
    }

    /// The same by verifying it.
    fn read(
        &self,
        verifier: &Verifier,
        token: &str,
        now: UnixTime,
    ) -> Result<(Claims, Read), AuthenticateError> {
        let signed = verifier.check(token, now)?;
        let mut buffer = TokenBuffer::new();
        let payload = buffer.decode(signed.payload)?;
        let (claims, mut read) = match &self.local {
            Some(realm) => {
                let verified: Verified<LocalClaims<'_>> = verifier.read(payload, now, |_| Ok(()))?;
                let (claims, own) = verified.into_parts();
                let read = local(realm, &claims, own.auth_ctx, now)?;
                (claims, read)
            }
            None => {
                // What looks like our own claim is not even parsed.
                let verified: Verified = verifier.read(payload, now, |_| Ok(()))?;
                let realm = verifier.policy().issuer().realm();
                let authentication = base(realm, None, verified.claims(), now)?;
                (verified.into_parts().0, Read { authentication, has_epoch: false, roles: Vec::new() })
            }
        };
        // Nobody here checks that proof, and without it the token is one that somebody may have stolen.
        if claims.is_bound() {
            return Err(RejectionReason::WrongUse.into());
        }
        for mapping in &self.roles {
            mapping.read(payload, &mut read.roles).map_err(|_| RejectionReason::Malformed)?;
        }
        Ok((claims, read))
    }
}

/// An authentication, and whether the token vouches for its epoch.
struct Read {
    authentication: Authentication,
    has_epoch: bool,
    roles: Vec<RoleName>,
}

/// What is left to say of an accepted token: whether its epoch is the present one.
#[derive(Clone)]
struct Accepted {
    authenticated: Authenticated,
    has_epoch: bool,
}

impl From<Read> for Accepted {
    fn from(Read { authentication, has_epoch, roles }: Read) -> Self {
        let authenticated = Authenticated::assertion(authentication).with_asserted_roles(&roles);
        Self { authenticated, has_epoch }
    }
}

/// A token of an issuer that was declared local.
fn local(
    realm: &Realm,
    claims: &Claims,
    context: Option<ReadContext<'_>>,
    now: UnixTime,
) -> Result<Read, AuthenticateError> {
    let Some(context) = context else {
        let authentication = base(realm, None, claims, now)?;
        return Ok(Read { authentication, has_epoch: false, roles: Vec::new() });
    };
    // One key and issuer may serve several tenants; their accounts are not each other's.
    if context.realm != realm.as_str() {
        return Err(RejectionReason::WrongUse.into());
    }
    let mut authentication = base(realm, Some(context.kind), claims, now)?;
    authentication.epoch = context.epoch;
    authentication.actor = context.actor;
    authentication.assurance = assurance(claims.acr());
    authentication.limits.tenant = context.tenant;
    authentication.limits.networks = context.networks;
    if claims.scope().is_none() {
        // Our issuer writes a scope whenever the login had a limit.
        authentication.limits.scopes = None;
    }
    Ok(Read { authentication, has_epoch: true, roles: Vec::new() })
}

/// What the registered claims say, all of it read to the bearer's disadvantage.
fn base(
    realm: &Realm,
    kind: Option<PrincipalKind>,
    claims: &Claims,
    now: UnixTime,
) -> Result<Authentication, AuthenticateError> {
    let subject = claims.subject().ok_or(RejectionReason::WrongUse)?;
    let kind = kind.unwrap_or(match claims.client_id() {
        Some(client) if client == subject => PrincipalKind::Service,
        _ => PrincipalKind::User,
    });
    let principal = PrincipalId::new(realm.clone(), kind, subject).map_err(|_| RejectionReason::Malformed)?;
    let scopes = Scopes::parse(claims.scope().unwrap_or_default()).map_err(|_| RejectionReason::Malformed)?;
    // What the token says was shown to get it, and then that it is a token: flows that only a person may use look for it.
    let methods = claims.methods().take(Authentication::MAX_METHODS.saturating_sub(1));
    let methods = methods.filter_map(|method| Method::parse(method).ok());
    let methods = methods.filter(|method| *method != Method::BEARER_TOKEN);
    let methods = methods.chain([Method::BEARER_TOKEN]).collect();
    let at = claims.authenticated_at().unwrap_or(UnixTime::EPOCH).min(now);
    Ok(Authentication::new(principal, Method::PASSWORD, at, AuthEpoch::ZERO)
        .with_methods(methods)
        .with_limits(Limits::unlimited().with_scopes(scopes)))
}

fn assurance(acr: Option<&str>) -> Assurance {
    [Assurance::Aal3, Assurance::Aal2]
        .into_iter()
        .find(|assurance| acr == Some(assurance.as_str()))
        .unwrap_or(Assurance::Aal1)
}

#[async_trait]
impl Authenticator for BearerAuthenticator {
    type Credential = AccessToken;
    type Proof = Authenticated;

    async fn authenticate(&self, credential: AccessToken) -> Result<Authenticated, AuthenticateError> {
        let token = credential.expose();
        let accepted = match &self.verifier {
            Source::Here(verifier) => self.accept(verifier, token, self.clock.now()),
            Source::Remote(source) => {
                let verifier = source.verifier_for(token).await?;
                self.accept(&verifier, token, self.clock.now())
            }
        };
        let Accepted { authenticated, has_epoch } = accepted?;
        if let Some(epochs) = &self.epochs {
            let authentication = authenticated.authentication();
            let present = epochs.epoch_of(&authentication.principal).await?;
            if !has_epoch || present != Some(authentication.epoch) {
                return Err(RejectionReason::Revoked.into());
            }
        }
        Ok(authenticated)
    }
}

impl fmt::Debug for BearerAuthenticator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BearerAuthenticator")
            .field("verifier", &self.verifier)
            .field("local", &self.local)
            .field("epochs", &self.epochs.is_some())
            .field("roles", &self.roles)
            .field("cache", &self.cache.as_ref().map(|cache| cache.capacity()))
            .finish_non_exhaustive()
    }
}

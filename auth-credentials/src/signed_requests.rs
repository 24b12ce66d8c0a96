//! Requests that are signed by a key of a program.

mod base;
pub(crate) mod request;
pub(crate) mod signer;

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use auth_core::{
    AuditEvent, AuthenticateError, Authenticated, Authenticator, Claim, KeyRing, Method, PrincipalId,
    Purpose, RejectionReason, Secret, SecretHash, Throttled, TokenKey, TokenStore, Window,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use subtle::ConstantTimeEq;

use self::request::SignedRequest;
use crate::api_keys::{ApiKeys, text::ApiKeyId};

const SECRETS: Purpose = Purpose::new("request-signing");
const NONCES: Purpose = Purpose::new("request-nonce");

/// Checks requests that are signed by HMAC-SHA-256 as HTTP Message Signatures are (RFC 9421), and yields an
/// [`Authenticated`]: the secret never travels, and whoever records a request can neither change nor repeat it.
///
/// A client has an API key of [`ApiKeys`], which says whose it is, what it may do, from where and until when, and ends
/// with it. Its id is the `keyid`; its [signing secret](Self::secret) is another one than the key, and derived from the
/// [`KeyRing`]: no row holds it. Under a key that was dropped from the ring, no signature is right any more.
///
/// In this order: the time, the digest of the body, the signature, and only then the stores: the key's row, and the
/// nonce, which is [claimed](TokenStore::claim), so that of any number of copies one is accepted, ever.
///
/// # What they withstand
///
/// For programs that may not send a secret at all: HTTP Message Signatures (RFC 9421) by HMAC-SHA-256, over method,
/// host, path, query and the digest of the body (RFC 9530). The client has an API key, which says whose it is and
/// what it may do, and signs with another secret, which is derived from the key ring: no row holds it.
///
/// ```rust
/// # use std::{net::IpAddr, sync::Arc};
/// # use auth_core::{Authenticated, Authenticator, KeyRing, MemoryTokens};
/// # use auth_credentials::{ApiKeyId, ApiKeys, BodyDigest, SignedHead, SignedRequest, SignedRequests};
/// # async fn demo(keys: ApiKeys, ring: Arc<KeyRing>, id: &ApiKeyId, head: SignedHead<'_>, body: &[u8], peer: Option<IpAddr>) -> Result<(), Box<dyn std::error::Error>> {
/// let signed = SignedRequests::new(keys, ring, Arc::new(MemoryTokens::new(300_000))); // one for all servers, with room for ten accounts
/// let secret = signed.secret(id); // show it once, instead of the key
///
/// // For each request: `head` has the method, your own host, the target, and three headers.
/// let read = SignedRequest::read(&head, BodyDigest::of(body), peer)?;
/// let request: Authenticated = signed.authenticate(read).await?;
/// # let _ = (secret, request);
/// # Ok(()) }
/// ```
///
/// `SignedRequest::read` shows the headers; `RequestSigner` writes them, and so does any library for RFC 9421
/// (`labels_orders_and_expiry_are_the_clients`, `the_vector_of_rfc_9421_holds`).
///
/// - *Whoever stands in between* changes nothing of it: `nothing_of_a_signed_request_can_be_changed`. A signature
///   that covers less is none: `a_head_of_another_form_is_malformed`.
/// - *Whoever recorded a request* has two minutes and no use for it: of its copies one is accepted, at once or
///   later: `of_32_copies_of_one_request_at_once_one_is_accepted`,
///   `a_copy_stays_refused_until_its_time_is_over_and_after`. A client signs anew what it sends anew.
/// - *A client that sends without end* fills no store that others need: its account has so many requests, one key
///   half of them, and copies that somebody else sends use none of them up:
///   `a_client_has_so_many_requests_and_no_copy_uses_them_up`,
///   `one_key_does_not_use_up_what_the_others_of_its_account_have`.
/// - *A flood of forgeries* reaches no store; *a key that was revoked* signs nothing:
///   `a_signature_is_as_good_as_its_key`.
/// - *A copy of the database* makes no signature. *A copy of the key ring* makes all of them.
#[derive(Clone)]
pub struct SignedRequests {
    keys: ApiKeys,
    ring: Arc<KeyRing>,
    seen: Arc<dyn TokenStore>,
    window: Duration,
    most: u32,
    most_of_a_key: Option<u32>,
}

impl SignedRequests {
    /// How many requests the keys of an account may sign in three [windows](Self::WINDOW), unless
    /// [told otherwise](Self::with_max_requests): 83 a second by the defaults. [One key](Self::with_max_requests_of_a_key) may
    /// sign half of them.
    pub const MAX_REQUESTS: u32 = 30_000;
    /// How far the clocks of client and server may differ: 2 minutes, in both directions.
    pub const WINDOW: Duration = Duration::from_secs(120);

    /// Requests by the programs that `keys` knows. Nonces are claimed in `seen`, which all servers share. Each stays there
    /// for up to three windows: give it room for all requests of six minutes. That is [`MAX_REQUESTS`](Self::MAX_REQUESTS)
    /// times the accounts that sign, times the servers; where it is full, all clients wait. They are counted in the counters of `keys`.
    #[must_use]
    pub fn new(keys: ApiKeys, ring: Arc<KeyRing>, seen: Arc<dyn TokenStore>) -> Self {
        Self { keys, ring, seen, window: Self::WINDOW, most: Self::MAX_REQUESTS, most_of_a_key: None }
    }

    /// The same with another window, of at most an hour.
    #[must_use]
    pub fn with_window(mut self, window: Duration) -> Self {
        self.window = window.min(Duration::from_secs(3_600));
        self
    }

    /// The same with so many requests in three windows that all keys of an account may sign together. Beyond them its
    /// clients are told to wait, and others go on: a nonce stays for so long, and one client is not to fill the store.
    #[must_use]
    pub fn with_max_requests(mut self, most: u32) -> Self {
        self.most = most;
        self
    }

    /// The same with so many requests in three windows that one key may sign, instead of half of what its account may: one
    /// that runs wild, or leaked, is not to keep the account's other clients from theirs.
    #[must_use]
    pub fn with_max_requests_of_a_key(mut self, most: u32) -> Self {
        self.most_of_a_key = Some(most);
        self
    }

    /// The secret by which the client of a key signs, as base64url of 32 bytes: for the client and nothing else. Show it
    /// where the key is made, instead of the key.
    #[must_use]
    pub fn secret(&self, id: &ApiKeyId) -> Secret {
        URL_SAFE_NO_PAD.encode(self.ring.mac(SECRETS, &[id.as_bytes()])).into()
    }

    /// Whether a secret of this key signed it.
    fn is_signed(&self, request: &SignedRequest) -> bool {
        let id: [&[u8]; 1] = [request.key.as_bytes()];
        let secrets = std::iter::once_with(|| self.ring.mac(SECRETS, &id));
        let mut secrets = secrets.chain(self.ring.retired_macs(SECRETS, &id));
        secrets.any(|secret| base::sign(&secret, &request.base).ct_eq(&request.signature).into())
    }

    async fn check(
        &self,
        request: &SignedRequest,
    ) -> Result<Result<Authenticated, (RejectionReason, Option<PrincipalId>)>, AuthenticateError> {
        let now = self.keys.now();
        let refuse = |reason| Ok(Err((reason, None)));
        if request.created > now.saturating_add(self.window) {
            return refuse(RejectionReason::NotYetValid);
        }
        let end = request.created.saturating_add(self.window);
        if now > end || request.expires.is_some_and(|expires| now >= expires) {
            return refuse(RejectionReason::Expired);
        }
        // Both are looked at whatever the first one says.
        let signed = self.is_signed(request);
        if !(request.body_is_its && signed) {
            return refuse(RejectionReason::Signature);
        }
        let authentication = match self.keys.check_id(&request.key, request.source).await? {
            Ok(authentication) => authentication,
            Err(refused) => return Ok(Err(refused)),
        };
        let (realm, whose) = (authentication.principal.realm(), authentication.principal.to_bytes());
        // As long as the longest that a nonce is kept.
        let kept_for = Window::new(self.window.saturating_mul(3).saturating_add(Duration::from_secs(1)));
        let of_key = [&b"key/"[..], request.key.as_bytes()].concat();
        let most_of_key = self.most_of_a_key.unwrap_or(self.most.div_ceil(2));
        let allowances = [(&*of_key, most_of_key), (&*whose, self.most)];
        for (of, most) in allowances {
            if !self.keys.throttle.has_left(realm, of, most, kept_for, now).await? {
                let (principal, source) = (Some(authentication.principal), request.source);
                self.keys.record(&AuditEvent::Throttled { what: "signed-request", principal, source });
                return Err(Throttled { retry_after: kept_for.bucket_length() }.into());
            }
        }
        let parts = [request.key.as_str(), ".", &request.nonce].concat();
        let nonce =
            TokenKey { realm: realm.clone(), purpose: NONCES, hash: SecretHash::of(parts.as_bytes()) };
        // Longer than any server accepts it whose clock is behind.
        let kept_until = end.saturating_add(self.window).saturating_add(Duration::from_secs(1));
        match self.seen.claim(&nonce, kept_until, now).await? {
            Claim::First => {
                // Not before: whoever sends copies is not to use up what the client has. So those that arrive at once may
                // be a few more.
                for (of, most) in allowances {
                    self.keys.throttle.spend(realm, of, most, kept_for, now).await?;
                }
                Ok(Ok(Authenticated::assertion(authentication)))
            }
            Claim::Seen => Ok(Err((RejectionReason::Replayed, Some(authentication.principal)))),
        }
    }
}

#[async_trait]
impl Authenticator for SignedRequests {
    type Credential = SignedRequest;
    type Proof = Authenticated;

    async fn authenticate(&self, credential: SignedRequest) -> Result<Authenticated, AuthenticateError> {
        match self.check(&credential).await? {
            Ok(authenticated) => Ok(authenticated),
            Err((reason, principal)) => {
                let (method, source) = (Method::API_KEY, credential.source);
                self.keys.record(&AuditEvent::CredentialRefused { reason, method, principal, source });
                Err(reason.into())
            }
        }
    }
}

impl fmt::Debug for SignedRequests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedRequests")
            .field("keys", &self.keys)
            .field("window", &self.window)
            .finish_non_exhaustive()
    }
}

//! Access tokens whose private key is in a key management service, and never in this process.
//!
//! ```sh
//! cargo run -p example-kms-signer      # prints a token, its subject, and the key set that verifies it
//! ```
//!
//! The service here is a thread behind a channel ([`kms`]). Yours is an SDK behind a socket; what has to be
//! written for it is as long as [`signer`].

pub mod kms;
pub mod signer;

use std::error::Error;

use auth_core::{Login, UnixTime};
use auth_jwt::{
    Audience, ClientId, Es256VerifyingKey, IssueError, IssuedToken, Issuer, KeySet, RemoteSigningKey,
    TokenIssuer, TokenPolicy, Verifier,
};

use crate::{kms::Kms, signer::KmsSigner};

/// The name of the key in the service.
pub const KEY: &str = "alias/access-tokens";

/// A service that issues tokens, and what others need to verify them.
#[derive(Debug)]
pub struct Tokens {
    issuer: TokenIssuer,
    verifier: Verifier,
    jwks: String,
}

impl Tokens {
    /// Asks the service for its public key once; for signatures, whenever a token is issued.
    ///
    /// # Errors
    /// If the service is out of reach, or its key is not one for ES256.
    pub async fn new(kms: Kms) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let public = Es256VerifyingKey::from_der(&kms.public_key(KEY).await?)?;
        // Every signature is verified with it before a token is handed out.
        let key = RemoteSigningKey::new(KmsSigner::new(kms, KEY), public.clone())?;
        let (issuer, audience) = (Issuer::new("https://id.example")?, Audience::new("https://api.example")?);
        let jwks = KeySet::from(public.clone()).to_jwks()?;
        let verifier = Verifier::new(public, TokenPolicy::access_token(issuer.clone(), audience.clone()));
        let issuer = TokenIssuer::new(key, issuer, audience, ClientId::new("web")?);
        Ok(Self { issuer, verifier, jwks })
    }

    /// A token for somebody who has just logged in.
    ///
    /// # Errors
    /// [`IssueError::Signer`] if the service did not sign; the caller answers 503.
    pub async fn issue(&self, login: &Login, now: UnixTime) -> Result<IssuedToken, IssueError> {
        self.issuer.for_login(login).sign_async(now).await
    }

    /// What verifies the tokens. It needs neither the service nor the network.
    #[must_use]
    pub fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// The JWK Set, to be published at `/.well-known/jwks.json`.
    #[must_use]
    pub fn jwks(&self) -> &str {
        &self.jwks
    }
}

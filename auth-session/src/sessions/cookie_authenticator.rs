//! The session cookie as a credential.

use async_trait::async_trait;
use auth_core::{
    AuthenticateError, Authenticated, Authenticator, ClientSignals, RejectionReason, Unavailable,
};

use crate::{incoming::SessionCookie, sessions::Sessions};

/// Checks a session cookie and nothing else: for code that takes any [`Authenticator`].
///
/// It knows nothing of the client, so no [`ClientCheck`](crate::ClientCheck) is made. It cannot send a cookie, so a secret that is due to be replaced stays as it is. Whatever does not open a
/// session of somebody is one rejection.
#[async_trait]
impl Authenticator for Sessions {
    type Credential = SessionCookie;
    type Proof = Authenticated;

    async fn authenticate(&self, credential: Self::Credential) -> Result<Self::Proof, AuthenticateError> {
        let live = self.0.resume(&credential, ClientSignals::none()).await.map_err(Unavailable::from)?;
        live.and_then(|live| live.authenticated).ok_or(RejectionReason::Unknown.into())
    }
}

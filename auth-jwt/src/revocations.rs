//! Ending a token before it expires, without a look at a store for each request.

use std::sync::Arc;

use crate::Claims;

pub(crate) mod list;
pub(crate) mod revocation;
pub(crate) mod store;
mod table;

/// Knows which tokens were revoked. A [`Verifier`](crate::Verifier) asks it, last, of each token that is good in
/// every other respect.
///
/// Synchronous and not fallible: what it knows is in memory. [`RevocationList`](crate::RevocationList) is the
/// one that comes with this crate; write your own where others decide, and let it say
/// [`Unavailable`](RevocationStatus::Unavailable) whenever it does not know.
///
/// Go by what the issuer calls a token (`jti`, `sid`, `sub`), never by the token's bytes: an ES256 signature has
/// two spellings that are both right. All three are unique within the issuer only.
///
/// ```
/// use std::sync::Arc;
/// use auth_jwt::{Claims, RevocationStatus, Revocations, Verifier};
///
/// /// Clients that were switched off.
/// struct Clients(Vec<String>);
///
/// impl Revocations for Clients {
///     fn status(&self, claims: &Claims) -> RevocationStatus {
///         match claims.client_id() {
///             Some(client) if !self.0.iter().any(|off| off == client) => RevocationStatus::NotRevoked,
///             _ => RevocationStatus::Revoked,
///         }
///     }
/// }
///
/// fn without(verifier: Verifier, clients: Vec<String>) -> Verifier {
///     verifier.with_revocations(Arc::new(Clients(clients)))
/// }
/// ```
pub trait Revocations: Send + Sync {
    /// What is known of the token with these claims. It is called for each token, on whatever thread verifies it,
    /// so it must not wait.
    fn status(&self, claims: &Claims) -> RevocationStatus;

    /// Counts the changes: another number than ever before as soon as any answer that was
    /// [`NotRevoked`](RevocationStatus::NotRevoked) is another one. While it stays, a cache does not ask again.
    ///
    /// `None`, unless implemented: the cache asks each time.
    fn version(&self) -> Option<u64> {
        None
    }
}

/// What is known of a token. Only the first lets it pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub enum RevocationStatus {
    /// Surely not revoked.
    NotRevoked,
    /// Revoked. Becomes [`VerifyError::Revoked`](crate::VerifyError::Revoked).
    Revoked,
    /// Not known to be revoked, but such that it could outlive its revocation. Becomes
    /// [`VerifyError::Unrevocable`](crate::VerifyError::Unrevocable).
    Unrevocable,
    /// Not known: 503 and not 401. Becomes
    /// [`VerifyError::RevocationsUnavailable`](crate::VerifyError::RevocationsUnavailable).
    Unavailable,
}

macro_rules! forward {
    ($pointer:ty) => {
        impl<T: Revocations + ?Sized> Revocations for $pointer {
            fn status(&self, claims: &Claims) -> RevocationStatus {
                (**self).status(claims)
            }

            fn version(&self) -> Option<u64> {
                (**self).version()
            }
        }
    };
}

forward!(&T);
forward!(Box<T>);
forward!(Arc<T>);

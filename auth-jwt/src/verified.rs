//! The proof that a token was verified.

use crate::Claims;

/// Proof that a token was signed by its issuer and accepted by a policy, with what it says.
///
/// Only [`Verifier`](crate::Verifier) makes one, so code that takes a `Verified<C>` cannot be reached with
/// claims that nobody has checked. `C` is your own type for your own claims; `()` if there are none.
///
/// ```compile_fail
/// fn forge(claims: auth_jwt::Claims) -> auth_jwt::Verified {
///     auth_jwt::Verified { claims, own: () }
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Verified<C = ()> {
    claims: Claims,
    own: C,
}

impl<C> Verified<C> {
    /// States that signature and policy were checked.
    pub(crate) fn assertion(claims: Claims, own: C) -> Self {
        Self { claims, own }
    }

    pub(crate) fn into_parts(self) -> (Claims, C) {
        (self.claims, self.own)
    }

    /// The registered claims.
    #[must_use]
    pub fn claims(&self) -> &Claims {
        &self.claims
    }

    /// The own claims.
    #[must_use]
    pub fn own(&self) -> &C {
        &self.own
    }

    /// The own claims, for keeps. They are then data like any other, and no proof.
    #[must_use]
    pub fn into_own(self) -> C {
        self.own
    }
}

//! The signature algorithms, by the names that they have in `alg`.

use std::fmt;

use crate::json::JsonStr;

/// A signature algorithm of RFC 7518 section 3.1 or RFC 8037 section 3.1.
///
/// It names what a key does; no verifier takes one as an argument. `none` is not an algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Algorithm {
    /// HMAC with SHA-256.
    Hs256,
    /// HMAC with SHA-384.
    Hs384,
    /// HMAC with SHA-512.
    Hs512,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// ECDSA on P-521 with SHA-512.
    Es512,
    /// Ed25519, under both of its names: `EdDSA` (RFC 8037) and `Ed25519` (RFC 9864 section 2.2). Which one a key
    /// writes is the [key's](crate::Ed25519SigningKey::fully_specified) to say.
    EdDsa,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512,
    /// RSASSA-PSS with SHA-256, and a salt of 32 bytes.
    Ps256,
    /// RSASSA-PSS with SHA-384, and a salt of 48 bytes.
    Ps384,
    /// RSASSA-PSS with SHA-512, and a salt of 64 bytes.
    Ps512,
}

impl Algorithm {
    /// The name of Ed25519 that says which curve it is (RFC 9864 section 2.2).
    pub(crate) const FULLY_SPECIFIED: &'static str = "Ed25519";

    /// All of them, whether or not the features that they need are enabled.
    pub const ALL: &'static [Self] = &[
        Self::Hs256,
        Self::Hs384,
        Self::Hs512,
        Self::Es256,
        Self::Es384,
        Self::Es512,
        Self::EdDsa,
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
    ];

    /// The name in `alg`; of two, the one that everybody knows (`EdDSA`).
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Hs384 => "HS384",
            Self::Hs512 => "HS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
            Self::EdDsa => "EdDSA",
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
        }
    }

    /// The algorithm of this name. Exact, case included (RFC 7515 section 4.1.1).
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|algorithm| algorithm.names().any(|known| known == name))
    }

    /// Whether whoever can verify can also sign.
    #[must_use]
    pub const fn is_symmetric(self) -> bool {
        matches!(self, Self::Hs256 | Self::Hs384 | Self::Hs512)
    }

    /// Whether a header's `alg` names it.
    pub(crate) fn is(self, alg: JsonStr<'_>) -> bool {
        self.names().any(|name| alg.is(name))
    }

    fn names(self) -> impl Iterator<Item = &'static str> {
        [Some(self.name()), (self == Self::EdDsa).then_some(Self::FULLY_SPECIFIED)].into_iter().flatten()
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `none` in every spelling; names are exact (CVE-2015-9235, CVE-2022-23540).
    #[test]
    fn names_are_exact_and_none_is_none_of_them() {
        for algorithm in Algorithm::ALL {
            assert_eq!(Algorithm::named(algorithm.name()), Some(*algorithm));
            assert_eq!(Algorithm::named(&algorithm.name().to_ascii_lowercase()), None);
        }
        assert_eq!(Algorithm::named("Ed25519"), Some(Algorithm::EdDsa));
        for bad in
            ["none", "None", "NONE", "nOnE", "none ", "", "HS256 ", "ES256K", "Ed448", "RSA-OAEP", "dir"]
        {
            assert_eq!(Algorithm::named(bad), None, "{bad:?}");
        }
    }
}

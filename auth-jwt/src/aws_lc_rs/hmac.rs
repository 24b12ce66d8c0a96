//! The keys of HS256, HS384 and HS512 on AWS-LC, keyed once.

use std::{fmt, sync::Arc};

use ::aws_lc_rs::hmac;
use auth_core::{DerivedKey, Entropy, EntropyError, Secret, entropy_array};
use zeroize::Zeroizing;

use crate::{
    Algorithm, KeyError, KeyId, Signature, SignatureError, base64url,
    key::{MAX_SECRET_LEN as MAX_LEN, MacCore, check_encoded, check_secret, derived_key, hmac_key},
};

/// What differs between the hashes.
macro_rules! core {
    ($core:ident, $algorithm:ident, $len:literal) => {
        /// A keyed MAC. It wipes itself.
        pub(crate) struct $core(hmac::Key);

        impl MacCore<$len> for $core {
            fn new(secret: &[u8]) -> Result<Self, KeyError> {
                Ok(Self::padded(secret))
            }

            fn padded(secret: &[u8]) -> Self {
                Self(hmac::Key::new(hmac::$algorithm, secret))
            }

            #[inline]
            fn tag(&self, message: &[u8]) -> [u8; $len] {
                let mut bytes = [0; $len];
                for (to, from) in bytes.iter_mut().zip(hmac::sign(&self.0, message).as_ref()) {
                    *to = *from;
                }
                bytes
            }

            #[inline]
            fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
                hmac::verify(&self.0, message, signature).is_ok()
            }
        }
    };
}

core!(Hs256, HMAC_SHA256, 32);
core!(Hs384, HMAC_SHA384, 48);
core!(Hs512, HMAC_SHA512, 64);

hmac_key! {
    /// A secret that makes and checks HS256 signatures, and nothing else. At least 32 bytes.
    ///
    /// Its signatures are those of [`auth_jwt::Hs256Key`](crate::Hs256Key) with the same secret.
    Hs256Key, Hs256, Hs256, 32
}

hmac_key! {
    /// A secret that makes and checks HS384 signatures, and nothing else. At least 48 bytes.
    Hs384Key, Hs384, Hs384, 48
}

hmac_key! {
    /// A secret that makes and checks HS512 signatures, and nothing else. At least 64 bytes.
    Hs512Key, Hs512, Hs512, 64
}

derived_key! {
    /// A key derived from a [`KeyRing`](auth_core::KeyRing), under a purpose of its own: the same key, with
    /// the same id, as [`auth_jwt::Hs256Key::derived`](crate::Hs256Key::derived) makes.
    Hs256Key
}

//! What is asked of an RSA public key, whichever backend it is for (RFC 7518 sections 3.3 and 3.5).

mod roca;
#[cfg(feature = "rsa")]
mod verify;

#[cfg(feature = "rsa")]
pub use self::verify::{
    Ps256VerifyingKey, Ps384VerifyingKey, Ps512VerifyingKey, Rs256VerifyingKey, Rs384VerifyingKey,
    Rs512VerifyingKey,
};
use super::{KeyError, PublicMaterial};

/// The most bytes of a modulus: 8,192 bits.
pub(crate) const MAX_MODULUS_LEN: usize = 1024;

/// Below this many bits moduli can be factored; RFC 7518 section 3.3 forbids them.
const MIN_BITS: usize = 2048;
/// Above this many a signature takes longer to verify than a stranger's key may cost.
const MAX_BITS: usize = 8192;
/// The same for exponents. The common ones are 3, 17 and 65,537.
const MAX_EXPONENT: u64 = (1 << 33) - 1;

/// Everything that is asked of a modulus and an exponent, both big-endian without leading zeros. That the
/// modulus is a product of two primes cannot be seen.
pub(crate) fn check(modulus: &[u8], exponent: &[u8]) -> Result<(), KeyError> {
    let bits = bits(modulus);
    if !(MIN_BITS..=MAX_BITS).contains(&bits) {
        return Err(KeyError::RsaModulus { bits });
    }
    if modulus.last().is_none_or(|byte| byte & 1 == 0) {
        return Err(KeyError::Rsa);
    }
    let exponent = match exponent {
        [] => None,
        long if long.len() > 8 => None,
        short => Some(short.iter().fold(0, |value: u64, byte| value << 8 | u64::from(*byte))),
    };
    if !exponent.is_some_and(|e| (3..=MAX_EXPONENT).contains(&e) && e & 1 == 1) {
        return Err(KeyError::RsaExponent);
    }
    if roca::is_suspect(modulus) { Err(KeyError::Roca) } else { Ok(()) }
}

/// The numbers as a format would have them: leading zeros do not count.
pub(crate) fn public_material(modulus: &[u8], exponent: &[u8]) -> PublicMaterial {
    let trimmed = |bytes: &[u8]| bytes.iter().copied().skip_while(|byte| *byte == 0).collect();
    PublicMaterial::Rsa { modulus: trimmed(modulus), exponent: trimmed(exponent) }
}

fn bits(number: &[u8]) -> usize {
    let unused = number.first().map_or(0, |byte| byte.leading_zeros() as usize);
    number.len().saturating_mul(8).saturating_sub(unused)
}

/// An RSA public key's type: as any other, and from its two numbers.
macro_rules! rsa_verifying_key {
    ($(#[$doc:meta])* $name:ident, $core:ty) => {
        $crate::key::verifying_key! { $(#[$doc])* $name, $core }

        impl $name {
            /// A key from its two numbers, big-endian. Leading zeros do not count.
            ///
            /// # Errors
            /// [`KeyError::RsaModulus`](crate::KeyError::RsaModulus) unless the modulus has 2,048 to 8,192
            /// bits, [`KeyError::Rsa`](crate::KeyError::Rsa) if it is even,
            /// [`KeyError::RsaExponent`](crate::KeyError::RsaExponent) unless the exponent is an odd number
            /// from 3 to 2^33 - 1, and [`KeyError::Roca`](crate::KeyError::Roca).
            pub fn from_components(modulus: &[u8], exponent: &[u8]) -> Result<Self, $crate::KeyError> {
                Self::from_material(&$crate::key::rsa::public_material(modulus, exponent))
            }

            /// The modulus and the exponent, big-endian, without leading zeros.
            #[must_use]
            pub fn to_components(&self) -> (Vec<u8>, Vec<u8>) {
                match self.material() {
                    $crate::key::PublicMaterial::Rsa { modulus, exponent } => (modulus, exponent),
                    _ => (Vec::new(), Vec::new()),
                }
            }

            /// Writes RSAPublicKey (PKCS#1, RFC 8017 appendix A.1.1), without the key's name: for programs that do
            /// not read SubjectPublicKeyInfo.
            #[must_use]
            pub fn to_pkcs1_der(&self) -> Vec<u8> {
                let (modulus, exponent) = self.to_components();
                $crate::der::pkcs1_public(&modulus, &exponent)
            }

            /// The same as a PEM block `RSA PUBLIC KEY`.
            #[must_use]
            pub fn to_pkcs1_pem(&self) -> String {
                $crate::pem::encode("RSA PUBLIC KEY", &self.to_pkcs1_der())
            }
        }
    };
}

pub(crate) use rsa_verifying_key;

#[cfg(test)]
mod tests {
    use super::*;

    fn modulus(bits: usize) -> Vec<u8> {
        let mut bytes = vec![0x55; bits.div_ceil(8)];
        let top = (bits - 1) % 8;
        bytes[0] = 1 << top;
        *bytes.last_mut().unwrap() = 0x57;
        bytes
    }

    /// RSA n below 2048 bits, n above 8192 bits (denial of service).
    #[test]
    fn a_modulus_has_2048_to_8192_bits() {
        for bits in [2048, 2049, 2055, 3072, 4096, 8191, 8192] {
            assert_eq!(check(&modulus(bits), &[1, 0, 1]), Ok(()), "{bits}");
        }
        for bits in [16, 512, 1024, 2047, 8193, 16384] {
            assert_eq!(check(&modulus(bits), &[1, 0, 1]), Err(KeyError::RsaModulus { bits }));
        }
        assert_eq!(check(&[], &[1, 0, 1]), Err(KeyError::RsaModulus { bits: 0 }));
        let mut even = modulus(2048);
        *even.last_mut().unwrap() = 0x56;
        assert_eq!(check(&even, &[1, 0, 1]), Err(KeyError::Rsa));
    }

    /// RSA e = 1, under which every padded message is its own signature.
    #[test]
    fn an_exponent_is_odd_and_neither_1_nor_huge() {
        let modulus = modulus(2048);
        for good in [&[3][..], &[17], &[1, 0, 1], &[1, 0xff, 0xff, 0xff, 0xff]] {
            assert_eq!(check(&modulus, good), Ok(()), "{good:?}");
        }
        for bad in [&[][..], &[0], &[1], &[2], &[4], &[1, 0, 0], &[2, 0, 0, 0, 1], &[1; 8], &[1; 9], &modulus]
        {
            assert_eq!(check(&modulus, bad), Err(KeyError::RsaExponent), "{bad:?}");
        }
    }

    #[test]
    fn leading_zeros_do_not_count() {
        let (modulus, exponent) = (vec![0xc5, 0, 1], vec![1, 0, 1]);
        let expected = PublicMaterial::Rsa { modulus, exponent };
        assert_eq!(public_material(&[0, 0, 0xc5, 0, 1], &[0, 1, 0, 1]), expected);
        assert_eq!(check(&[0], &[0]), Err(KeyError::RsaModulus { bits: 0 }));
    }
}

//! Finds the moduli of a key generator whose keys can be factored (CVE-2017-15361, "ROCA").
//!
//! That generator made primes of the form k * M + (65537^a mod M), where M is a product of many small primes.
//! So modulo each of those, the modulus of such a key is a power of 65537. For some small primes nearly every
//! number is one, for others few are: over all of them a modulus from another generator is one with a chance
//! of 2^-167. (M. Nemec et al., "The Return of Coppersmith's Attack", CCS 2017, section 2.)

#![expect(
    clippy::arithmetic_side_effects,
    reason = "primes are below 702 and never 0, all other factors are below 65,537: nothing overflows"
)]

/// What the powers are taken of.
const GENERATOR: u32 = 65_537;

/// For moduli from 1,984 bits up, M has all primes up to here at least.
const LARGEST_PRIME: u32 = 701;

/// Whether a modulus, big-endian, has the structure. It is odd, as 2 tells nothing.
pub(super) fn is_suspect(modulus: &[u8]) -> bool {
    odd_primes().all(|prime| is_power(remainder(modulus, prime), prime))
}

fn odd_primes() -> impl Iterator<Item = u32> {
    let is_prime = |n: &u32| (3..*n).step_by(2).take_while(|d| d * d <= *n).all(|d| !n.is_multiple_of(d));
    (3..=LARGEST_PRIME).step_by(2).filter(is_prime)
}

fn remainder(number: &[u8], prime: u32) -> u32 {
    number.iter().fold(0, |rest, byte| (rest * 256 + u32::from(*byte)) % prime)
}

/// Whether `value` is a power of the generator modulo `prime`.
fn is_power(value: u32, prime: u32) -> bool {
    let mut power = 1;
    loop {
        if power == value {
            return true;
        }
        power = power * (GENERATOR % prime) % prime;
        if power == 1 {
            return false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A product of two primes of the form above, of 1,024 bits each, that was made for this test.
    const STRUCTURED: &str = "
        9d5629a1c382895c2216b3ca586f692c638252e5734eff3e7740a6137e04c6341b8d0ce2add649c0cfe6654e3100ff46
        623db967c4aa27b6e37dd1f4fa9f5a7942f455c393cace1fc0e916a835e142bb846c3289e56aec43d6c1f06c0b1f8160
        f73da97ad089c67adf1c349a777291803a34c293fc40d25e19dc3d5a7e2ee154fbc960ca80cc61fba8bd5655c433368d
        cdb289c7732b5b453041439877d5dc01b8dd76c38eeb0ddadbab5a0227bef9a2bacec0a431e4680fd9c04868f78e1e0c
        05c802f122079937c038ec83cdc2ea511406b32502964ba51589df414df2e09e4096a0fe79681aaa4ed6b556da885a56
        14cc4f368a7a5cd80a00a7cf44855311";

    fn modulus() -> Vec<u8> {
        let digits: Vec<u32> = STRUCTURED.chars().filter_map(|digit| digit.to_digit(16)).collect();
        digits.chunks(2).map(|pair| (pair[0] * 16 + pair[1]) as u8).collect()
    }

    /// ROCA modulus. Cards, TPMs and national identity documents have had them.
    #[test]
    fn a_modulus_of_the_broken_generator_is_found() {
        assert_eq!(modulus().len(), 256);
        assert!(is_suspect(&modulus()));
    }

    /// Neither backend, and no format, has a way around it.
    #[test]
    fn no_key_is_made_of_it() {
        use crate::{Algorithm, Backend, Jwk, JwkError, KeyError, base64url, key::rsa::check};
        assert_eq!(check(&modulus(), &[1, 0, 1]), Err(KeyError::Roca));
        let mut n = String::new();
        base64url::encode_to(&modulus(), &mut n);
        let jwk = Jwk::parse(&format!(r#"{{"kty":"RSA","n":"{n}","e":"AQAB"}}"#)).unwrap();
        for backend in [
            #[cfg(feature = "rsa")]
            Backend::RustCrypto,
            #[cfg(feature = "aws-lc-rs")]
            Backend::AwsLcRs,
        ] {
            for algorithm in [Algorithm::Rs256, Algorithm::Ps512] {
                let refused = jwk.verifying_key(algorithm, backend).unwrap_err();
                assert_eq!(refused, JwkError::Key(KeyError::Roca), "{algorithm} on {backend:?}");
            }
        }
    }

    #[test]
    fn other_moduli_are_not() {
        for add in 1..=127 {
            let mut other = modulus();
            *other.last_mut().unwrap() = 0x11 + 2 * (add % 119);
            assert_eq!(is_suspect(&other), other == modulus(), "{add}");
        }
        assert!(!is_suspect(&[0]), "no power is zero");
    }

    #[test]
    fn the_primes_are_all_there() {
        let primes: Vec<u32> = odd_primes().collect();
        assert_eq!((primes.len(), primes[..5].to_vec(), primes[124]), (125, vec![3, 5, 7, 11, 13], 701));
    }

    /// 65537 = 10 modulo 11, whose powers are 10 and 1; it generates everything modulo 3, 5 and 7.
    #[test]
    fn powers_are_told_from_other_numbers() {
        let powers = |prime| (0..prime).filter(|value| is_power(*value, prime)).collect::<Vec<_>>();
        assert_eq!((powers(3), powers(5)), (vec![1, 2], vec![1, 2, 3, 4]));
        assert_eq!((powers(11), powers(7)), (vec![1, 10], vec![1, 2, 3, 4, 5, 6]));
        assert_eq!(remainder(&[0xff, 0xff, 0xff], 701), 0xff_ffff % 701);
    }
}

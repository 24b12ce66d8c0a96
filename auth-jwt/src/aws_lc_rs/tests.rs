//! Both backends are one backend to everybody but the processor.

use auth_core::{KeyName, KeyRing, Purpose, Secret, SystemEntropy};

use super::*;
use crate::{AnySigningKey, AnyVerifyingKey, KeyError, key::PrivateMaterial};

const MESSAGE: &[u8] = b"eyJhbGciOiJub25lIn0.e30";

/// What one backend signs, the other verifies; a changed bit, a shorter and a longer one it does not.
fn agrees(signing: &AnySigningKey, verifying: &AnyVerifyingKey) {
    let signature = signing.sign(MESSAGE).unwrap();
    let signature = signature.as_bytes();
    assert_eq!(signature.len(), verifying.signature_len());
    assert_eq!(signing.algorithm(), verifying.algorithm());
    for key in [verifying, &signing.verifying_key()] {
        assert!(key.verify(MESSAGE, signature).is_ok(), "{key:?}");
        assert!(key.verify(b"another", signature).is_err());
        assert!(key.verify(MESSAGE, &signature[1..]).is_err());
        assert!(key.verify(MESSAGE, &[signature, &[0]].concat()).is_err());
        assert!(key.verify(MESSAGE, &[]).is_err());
        for at in [0, signature.len() / 2, signature.len() - 1] {
            let mut changed = signature.to_vec();
            changed[at] ^= 1;
            assert!(key.verify(MESSAGE, &changed).is_err());
        }
    }
}

macro_rules! pairs {
    ($($signing:ident),*) => {$(
        let theirs = $signing::generate(&SystemEntropy).unwrap();
        let ours = crate::$signing::from_material(&theirs.material()).unwrap();
        assert_eq!(ours.verifying_key().material(), theirs.verifying_key().material());
        agrees(&theirs.clone().into(), &ours.verifying_key().into());
        agrees(&ours.clone().into(), &theirs.verifying_key().into());

        let ours = crate::$signing::generate(&SystemEntropy).unwrap();
        let theirs = $signing::from_material(&ours.material()).unwrap();
        agrees(&theirs.into(), &ours.verifying_key().into());
    )*};
}

#[test]
fn what_one_backend_signs_the_other_verifies() {
    pairs!(Es256SigningKey, Es384SigningKey, Es512SigningKey, Ed25519SigningKey);
}

#[test]
fn secrets_make_the_same_signatures_in_both() {
    for len in [64, 65, 128, 129, 1024] {
        let secret = Secret::new((0..len).map(|n: usize| n.to_le_bytes()[0] ^ 0x5a).collect());
        let (ours, theirs) = (crate::Hs256Key::new(&secret).unwrap(), Hs256Key::new(&secret).unwrap());
        assert_eq!(ours.sign(MESSAGE), theirs.sign(MESSAGE));
        agrees(&ours.into(), &theirs.into());
        let (ours, theirs) = (crate::Hs384Key::new(&secret).unwrap(), Hs384Key::new(&secret).unwrap());
        assert_eq!(ours.sign(MESSAGE), theirs.sign(MESSAGE));
        agrees(&theirs.into(), &ours.into());
        let (ours, theirs) = (crate::Hs512Key::new(&secret).unwrap(), Hs512Key::new(&secret).unwrap());
        assert_eq!(ours.sign(MESSAGE), theirs.sign(MESSAGE));
        agrees(&ours.into(), &theirs.into());
    }
    let short = Secret::new((0..63).collect());
    assert_eq!(Hs512Key::new(&short).unwrap_err(), KeyError::TooShort { found: 63, min: 64 });

    let ring = KeyRing::new(KeyName::parse("a").unwrap(), Secret::new((0..32).collect())).unwrap();
    let key = ring.derive(Purpose::new("tokens"));
    let (ours, theirs) = (crate::Hs256Key::derived(&key), Hs256Key::derived(&key));
    assert_eq!((ours.id(), ours.sign(MESSAGE)), (theirs.id(), theirs.sign(MESSAGE)));
}

#[test]
fn one_rsa_key_signs_under_every_rsa_algorithm() {
    macro_rules! rsa {
        ($material:expr, $($signing:ident, $verifying:ident);*) => {$(
            let signing = $signing::from_material($material).unwrap();
            agrees(&signing.clone().into(), &signing.verifying_key().into());
            #[cfg(feature = "rsa")]
            {
                let verifying = crate::$verifying::from_material(&signing.verifying_key().material()).unwrap();
                agrees(&signing.clone().into(), &verifying.into());
            }
        )*};
    }
    for size in [RsaSize::Bits2048, RsaSize::Bits3072, RsaSize::Bits4096] {
        let key = Rs256SigningKey::generate(size).unwrap();
        let material = key.material();
        assert_eq!(Rs256SigningKey::from_material(&material).unwrap().sign(MESSAGE), key.sign(MESSAGE));
        rsa!(
            &material,
            Rs256SigningKey, Rs256VerifyingKey; Rs384SigningKey, Rs384VerifyingKey;
            Rs512SigningKey, Rs512VerifyingKey; Ps256SigningKey, Ps256VerifyingKey;
            Ps384SigningKey, Ps384VerifyingKey; Ps512SigningKey, Ps512VerifyingKey
        );
    }
}

/// A private key whose parts do not belong together signs wrongly, and can give itself away by it.
#[test]
fn rsa_numbers_that_do_not_belong_together_are_refused() {
    let PrivateMaterial::Rsa(good) = Rs256SigningKey::generate(RsaSize::default()).unwrap().material() else {
        panic!("an rsa key has rsa numbers")
    };
    let refused = |change: &dyn Fn(&mut crate::key::RsaPrivate)| {
        let mut numbers = good.clone();
        change(&mut numbers);
        Rs256SigningKey::from_material(&PrivateMaterial::Rsa(numbers)).unwrap_err()
    };
    assert_eq!(refused(&|numbers| numbers.d[9] ^= 1), KeyError::Rsa);
    assert_eq!(refused(&|numbers| numbers.p[9] ^= 1), KeyError::Rsa);
    assert_eq!(refused(&|numbers| numbers.q[9] ^= 1), KeyError::Rsa);
    assert_eq!(refused(&|numbers| numbers.dp[9] ^= 1), KeyError::Rsa);
    assert_eq!(refused(&|numbers| numbers.dq[9] ^= 1), KeyError::Rsa);
    assert_eq!(refused(&|numbers| numbers.qi[9] ^= 1), KeyError::Rsa);
    assert_eq!(refused(&|numbers| numbers.modulus[9] ^= 1), KeyError::Rsa);
    assert_eq!(refused(&|numbers| numbers.modulus[255] ^= 1), KeyError::Rsa);
    assert_eq!(refused(&|numbers| *numbers.d = vec![1; 257]), KeyError::Rsa);
    assert_eq!(refused(&|numbers| numbers.d.clear()), KeyError::Rsa);
    assert_eq!(refused(&|numbers| numbers.exponent = vec![3]), KeyError::Rsa);
    assert_eq!(refused(&|numbers| numbers.exponent = vec![1]), KeyError::RsaExponent);
}

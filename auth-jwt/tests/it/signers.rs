//! Private keys that are elsewhere.

use std::{
    error::Error,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use auth_core::{SystemEntropy, testing::block_on};
use auth_jwt::{
    Algorithm, AnySigningKey, AsyncSignError, AsyncSigner, Ed25519SigningKey, Es256SigningKey,
    Es384SigningKey, Es512SigningKey, Hs256Key, KeyId, RemoteSigningKey, RemoteSigningKeyError, Signature,
};

/// A service that answers ECDSA signatures in DER, as they all do.
struct Kms {
    key: AnySigningKey,
    asked: Arc<AtomicUsize>,
}

#[async_trait]
impl AsyncSigner for Kms {
    fn algorithm(&self) -> Algorithm {
        self.key.algorithm()
    }

    async fn sign(&self, signing_input: &[u8]) -> Result<Signature, AsyncSignError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let signature = self.key.sign(signing_input)?;
        Ok(Signature::from_der(self.algorithm(), &der(signature.as_bytes()))?)
    }
}

fn der(fixed: &[u8]) -> Vec<u8> {
    let number = |bytes: &[u8]| {
        let mut bytes: Vec<u8> = bytes.iter().copied().skip_while(|byte| *byte == 0).collect();
        if bytes.first().is_some_and(|first| *first >= 0x80) {
            bytes.insert(0, 0);
        }
        [vec![2, u8::try_from(bytes.len()).unwrap()], bytes].concat()
    };
    let (r, s) = fixed.split_at(fixed.len() / 2);
    let content = [number(r), number(s)].concat();
    let len = u8::try_from(content.len()).unwrap();
    let head = if len < 0x80 { vec![0x30, len] } else { vec![0x30, 0x81, len] };
    [head, content].concat()
}

fn kms(key: impl Into<AnySigningKey>) -> Kms {
    Kms { key: key.into(), asked: Arc::default() }
}

/// Every curve has its width; a number with a leading zero comes once in 256 signatures.
#[test]
fn der_signatures_get_the_form_that_jws_has() {
    let keys: [AnySigningKey; 3] = [
        Es256SigningKey::generate(&SystemEntropy).unwrap().into(),
        Es384SigningKey::generate(&SystemEntropy).unwrap().into(),
        Es512SigningKey::generate(&SystemEntropy).unwrap().into(),
    ];
    for key in keys {
        let remote = RemoteSigningKey::new(kms(key.clone()), key.verifying_key()).unwrap();
        for n in 0..20u32 {
            let message = n.to_be_bytes();
            let signature = block_on(remote.sign(&message)).unwrap();
            assert_eq!(signature, key.sign(&message).unwrap(), "deterministic, so the same as here");
        }
    }
}

/// A service that signs with another key than it did yesterday must not make tokens that nobody accepts.
#[test]
fn a_signature_that_does_not_verify_is_not_handed_out() {
    let (key, other) = (
        Es256SigningKey::generate(&SystemEntropy).unwrap(),
        Es256SigningKey::generate(&SystemEntropy).unwrap(),
    );
    let remote = RemoteSigningKey::new(kms(other), key.verifying_key()).unwrap();
    assert!(matches!(block_on(remote.sign(b"message")), Err(AsyncSignError::Wrong)));

    struct Nonsense(Vec<u8>);
    #[async_trait]
    impl AsyncSigner for Nonsense {
        fn algorithm(&self) -> Algorithm {
            Algorithm::Es256
        }

        async fn sign(&self, _: &[u8]) -> Result<Signature, AsyncSignError> {
            Signature::from_bytes(&self.0).ok_or_else(|| AsyncSignError::unreachable("no answer"))
        }
    }
    let der = der(key.sign(b"message").unwrap().as_bytes());
    for nonsense in [vec![0; 64], vec![1], vec![7; 63], vec![7; 65], vec![7; 1024], der] {
        let remote = RemoteSigningKey::new(Nonsense(nonsense), key.verifying_key()).unwrap();
        assert!(matches!(block_on(remote.sign(b"message")), Err(AsyncSignError::Wrong)));
    }
    let remote = RemoteSigningKey::new(Nonsense(vec![]), key.verifying_key()).unwrap();
    let error = block_on(remote.sign(b"message")).unwrap_err();
    assert_eq!(error.source().unwrap().to_string(), "no answer");
}

#[test]
fn a_signer_and_a_key_that_do_not_belong_together_are_refused() {
    let key = Es256SigningKey::generate(&SystemEntropy).unwrap();
    let other = Ed25519SigningKey::generate(&SystemEntropy).unwrap();
    assert_eq!(
        RemoteSigningKey::new(kms(key), other.verifying_key()).unwrap_err(),
        RemoteSigningKeyError::Algorithm { signer: Algorithm::Es256, key: Algorithm::EdDsa }
    );
    let secret = Hs256Key::generate(&SystemEntropy).unwrap();
    assert_eq!(
        RemoteSigningKey::new(AnySigningKey::from(secret.clone()), secret).unwrap_err(),
        RemoteSigningKeyError::Symmetric(Algorithm::Hs256)
    );
}

/// A key that is here is a signer too, and so is a pointer to one.
#[test]
fn signers_are_forwarded_through_pointers() {
    let key = Ed25519SigningKey::generate(&SystemEntropy).unwrap().with_id(KeyId::new("k").unwrap());
    let public = key.verifying_key();
    let signer: Arc<dyn AsyncSigner> = Arc::new(Box::new(AnySigningKey::from(key)));
    let remote = RemoteSigningKey::new(signer, public.clone()).unwrap();
    assert_eq!((remote.algorithm(), remote.id().unwrap().as_str()), (Algorithm::EdDsa, "k"));
    let signature = block_on(remote.sign(b"message")).unwrap();
    assert!(public.verify(b"message", signature.as_bytes()).is_ok());
    assert!(format!("{remote:?}").starts_with("RemoteSigningKey { public: EdDsa("));
}

//! A key management service, as an SDK shows one: keys have names, and signatures come in DER.

use std::{collections::HashMap, sync::mpsc, thread};

use auth_core::{Entropy, EntropyError, SystemEntropy};
use p256::{
    ecdsa::{DerSignature, SigningKey, signature::Signer},
    pkcs8::EncodePublicKey,
};
use tokio::sync::oneshot;

/// Why the service did not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KmsError {
    /// The connection is gone.
    #[error("service is out of reach")]
    Unreachable,
    /// There is no key of this name.
    #[error("no such key")]
    NoSuchKey,
    /// The key may not be used.
    #[error("key is disabled")]
    Disabled,
}

/// A client of the service. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Kms(mpsc::Sender<Request>);

#[derive(Debug)]
struct Request {
    key: String,
    what: What,
    reply: oneshot::Sender<Result<Vec<u8>, KmsError>>,
}

#[derive(Debug)]
enum What {
    Create,
    Disable,
    PublicKey,
    Sign(Vec<u8>),
}

impl Kms {
    /// Starts a service without keys.
    #[must_use]
    pub fn start() -> Self {
        let (sender, requests) = mpsc::channel::<Request>();
        thread::spawn(move || {
            let mut service = Service::default();
            while let Ok(Request { key, what, reply }) = requests.recv() {
                // Whoever has stopped waiting does not want to know.
                let _ = reply.send(service.answer(key, what));
            }
        });
        Self(sender)
    }

    /// Makes a key, which never leaves the service.
    ///
    /// # Errors
    /// [`KmsError`].
    pub async fn create_key(&self, key: &str) -> Result<(), KmsError> {
        self.ask(key, What::Create).await.map(drop)
    }

    /// Disables a key.
    ///
    /// # Errors
    /// [`KmsError`].
    pub async fn disable_key(&self, key: &str) -> Result<(), KmsError> {
        self.ask(key, What::Disable).await.map(drop)
    }

    /// The public half of a key, in DER (SPKI).
    ///
    /// # Errors
    /// [`KmsError`].
    pub async fn public_key(&self, key: &str) -> Result<Vec<u8>, KmsError> {
        self.ask(key, What::PublicKey).await
    }

    /// Signs a message; the signature is in DER.
    ///
    /// # Errors
    /// [`KmsError`].
    pub async fn sign_ecdsa_sha256(&self, key: &str, message: &[u8]) -> Result<Vec<u8>, KmsError> {
        self.ask(key, What::Sign(message.to_vec())).await
    }

    async fn ask(&self, key: &str, what: What) -> Result<Vec<u8>, KmsError> {
        let (reply, answer) = oneshot::channel();
        let request = Request { key: key.to_owned(), what, reply };
        self.0.send(request).map_err(|_| KmsError::Unreachable)?;
        answer.await.map_err(|_| KmsError::Unreachable)?
    }
}

#[derive(Default)]
struct Service {
    keys: HashMap<String, Key>,
}

struct Key {
    key: SigningKey,
    disabled: bool,
}

impl Service {
    fn answer(&mut self, name: String, what: What) -> Result<Vec<u8>, KmsError> {
        if let What::Create = what {
            let key = generate().map_err(|_| KmsError::Unreachable)?;
            self.keys.insert(name, Key { key, disabled: false });
            return Ok(Vec::new());
        }
        let key = self.keys.get_mut(&name).ok_or(KmsError::NoSuchKey)?;
        match what {
            What::Disable => {
                key.disabled = true;
                Ok(Vec::new())
            }
            _ if key.disabled => Err(KmsError::Disabled),
            What::Sign(message) => {
                let signature: DerSignature =
                    key.key.try_sign(&message).map_err(|_| KmsError::Unreachable)?;
                Ok(signature.as_bytes().to_vec())
            }
            What::Create | What::PublicKey => {
                let spki = key.key.verifying_key().to_public_key_der();
                Ok(spki.map_err(|_| KmsError::Unreachable)?.as_bytes().to_vec())
            }
        }
    }
}

fn generate() -> Result<SigningKey, EntropyError> {
    loop {
        let mut scalar = [0; 32];
        SystemEntropy.fill(&mut scalar)?;
        // Nearly every number will do.
        if let Ok(key) = SigningKey::from_slice(&scalar) {
            return Ok(key);
        }
    }
}

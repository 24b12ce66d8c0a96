//! What has to be written for a service: its name for the algorithm, its errors, its timeout.

use std::time::Duration;

use async_trait::async_trait;
use auth_jwt::{Algorithm, AsyncSignError, AsyncSigner, Signature};
use tokio::time::timeout;

use crate::kms::{Kms, KmsError};

/// A signature that takes longer is an outage: somebody is waiting for a login.
const TIMEOUT: Duration = Duration::from_secs(2);

/// One key of the service.
#[derive(Debug)]
pub struct KmsSigner {
    kms: Kms,
    key: &'static str,
}

impl KmsSigner {
    /// Signs with the key of this name.
    #[must_use]
    pub fn new(kms: Kms, key: &'static str) -> Self {
        Self { kms, key }
    }
}

#[async_trait]
impl AsyncSigner for KmsSigner {
    fn algorithm(&self) -> Algorithm {
        Algorithm::Es256
    }

    async fn sign(&self, signing_input: &[u8]) -> Result<Signature, AsyncSignError> {
        let answer = timeout(TIMEOUT, self.kms.sign_ecdsa_sha256(self.key, signing_input));
        let der = answer.await.map_err(|_| AsyncSignError::Timeout)?.map_err(|error| match error {
            KmsError::Unreachable => AsyncSignError::unreachable(error),
            KmsError::NoSuchKey | KmsError::Disabled => AsyncSignError::refused(error),
        })?;
        Ok(Signature::from_der(self.algorithm(), &der)?)
    }
}

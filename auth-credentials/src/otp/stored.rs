//! What a row keeps of a device: sealed, so that neither secret nor last step can be read or set back.

use std::num::NonZeroU16;

use auth_core::{
    Binding, CredentialBlob, CredentialKey, Entropy, EntropyError, KeyRing, PrincipalId, Purpose, Secret,
};
use zeroize::Zeroizing;

use super::{
    codes::{Moves, OtpDevice},
    key::{OtpAlgorithm, OtpDigits, OtpKey},
};

const PURPOSE: Purpose = Purpose::new("one-time-codes");
const FORMAT: u8 = 1;

/// A device with the last step that was accepted.
#[derive(Debug, Clone)]
pub(crate) struct StoredDevice {
    pub(crate) device: OtpDevice,
    pub(crate) last: Option<u64>,
}

impl StoredDevice {
    /// What the row `key` of `owner` keeps.
    pub(crate) fn seal(
        &self,
        keys: &KeyRing,
        owner: &PrincipalId,
        key: &CredentialKey,
        entropy: &dyn Entropy,
    ) -> Result<CredentialBlob, EntropyError> {
        let row = row(key);
        let binding = Binding { account: Some(owner), row: &row };
        let sealed = keys.seal(PURPOSE, binding, &self.write(), entropy)?;
        // Some hundred bytes of the 8,192 that a row may have.
        CredentialBlob::new(&sealed).ok_or(EntropyError)
    }

    /// Reads it back; `None` if it is another row's, was changed, or is sealed under a key that is gone.
    pub(crate) fn open(
        keys: &KeyRing,
        owner: &PrincipalId,
        key: &CredentialKey,
        blob: &CredentialBlob,
    ) -> Option<Self> {
        let row = row(key);
        let binding = Binding { account: Some(owner), row: &row };
        Self::read(keys.open(PURPOSE, binding, blob.expose()).ok()?.expose())
    }

    fn write(&self) -> Zeroizing<Vec<u8>> {
        let key = self.device.key();
        let algorithm = match key.algorithm() {
            OtpAlgorithm::Sha1 => 1,
            OtpAlgorithm::Sha256 => 2,
            OtpAlgorithm::Sha512 => 3,
        };
        let (kind, period, window) = match self.device.moves() {
            Moves::Time { period, skew } => (1, period.get(), skew),
            Moves::Counter { look_ahead } => (2, 0, look_ahead),
        };
        let mut bytes = Zeroizing::new(Vec::with_capacity(OtpKey::MAX_LEN.saturating_add(16)));
        bytes.extend([FORMAT, kind, algorithm, key.digits().get(), window]);
        bytes.extend(period.to_be_bytes());
        bytes.push(u8::from(self.last.is_some()));
        bytes.extend(self.last.unwrap_or(0).to_be_bytes());
        bytes.extend(key.expose());
        bytes
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (head, rest) = bytes.split_first_chunk::<8>()?;
        let [FORMAT, kind, algorithm, digits, window, p, q, used] = *head else { return None };
        let (last, secret) = rest.split_first_chunk::<8>()?;
        let algorithm = match algorithm {
            1 => OtpAlgorithm::Sha1,
            2 => OtpAlgorithm::Sha256,
            3 => OtpAlgorithm::Sha512,
            _ => return None,
        };
        let key = OtpKey::new(Secret::new(secret.to_vec()), algorithm, OtpDigits::new(digits)?).ok()?;
        let moves = match kind {
            1 => Moves::Time { period: NonZeroU16::new(u16::from_be_bytes([p, q]))?, skew: window },
            2 => Moves::Counter { look_ahead: window },
            _ => return None,
        };
        let last = match used {
            0 => None,
            1 => Some(u64::from_be_bytes(*last)),
            _ => return None,
        };
        Some(Self { device: OtpDevice::from_parts(key, moves), last })
    }
}

/// Kind and lookup: what waits for its first code does not open as what was confirmed.
fn row(key: &CredentialKey) -> Vec<u8> {
    [key.kind.as_str().as_bytes(), b"/", &key.lookup].concat()
}

#[cfg(test)]
mod tests {
    use auth_core::{CredentialKind, KeyName, SystemEntropy};

    use super::*;

    fn ring() -> KeyRing {
        KeyRing::generate(KeyName::parse("test").unwrap(), &SystemEntropy).unwrap()
    }

    #[test]
    fn a_device_survives_its_row_and_opens_in_no_other() {
        let (keys, ann, bob) =
            (ring(), PrincipalId::local_user("ann").unwrap(), PrincipalId::local_user("bob").unwrap());
        let only = |owner: &PrincipalId, kind| CredentialKey::only(owner, kind);
        let here = only(&ann, CredentialKind::ONE_TIME_CODES);
        for algorithm in [OtpAlgorithm::Sha1, OtpAlgorithm::Sha256, OtpAlgorithm::Sha512] {
            let key = OtpKey::generate(algorithm, OtpDigits::Seven, &SystemEntropy).unwrap();
            let period = NonZeroU16::new(60).unwrap();
            let devices = [OtpDevice::totp_every(key.clone(), period), OtpDevice::hotp(key.clone())];
            for (device, last) in devices.into_iter().zip([None, Some(u64::MAX)]) {
                let stored = StoredDevice { device, last };
                let blob = stored.seal(&keys, &ann, &here, &SystemEntropy).unwrap();
                let back = StoredDevice::open(&keys, &ann, &here, &blob).unwrap();
                assert_eq!(back.last, last);
                assert_eq!(back.device.moves(), stored.device.moves());
                assert_eq!(back.device.key().expose(), key.expose());
                assert_eq!(back.device.key().code_at(7), key.code_at(7));
                let window = blob.expose().windows(16).any(|part| key.expose().starts_with(part));
                assert!(!window, "the secret is in the row");

                let pending = only(&ann, CredentialKind::ONE_TIME_CODES_PENDING);
                let bobs = only(&bob, CredentialKind::ONE_TIME_CODES);
                for (owner, key) in [(&bob, &here), (&ann, &pending), (&ann, &bobs), (&bob, &bobs)] {
                    assert!(StoredDevice::open(&keys, owner, key, &blob).is_none());
                }
                assert!(StoredDevice::open(&ring(), &ann, &here, &blob).is_none());
            }
        }
    }

    #[test]
    fn a_row_that_makes_no_sense_is_refused() {
        let key = OtpKey::generate(OtpAlgorithm::Sha1, OtpDigits::Six, &SystemEntropy).unwrap();
        let good = StoredDevice { device: OtpDevice::totp(key), last: None }.write();
        assert!(StoredDevice::read(&good).is_some());
        assert!(StoredDevice::read(&[]).is_none() && StoredDevice::read(&good[..20]).is_none());
        for at in [0, 1, 2, 3, 7] {
            let mut bad = good.to_vec();
            bad[at] = 9;
            assert!(StoredDevice::read(&bad).is_none(), "{at}");
        }
    }
}

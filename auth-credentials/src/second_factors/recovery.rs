//! Codes for the day when the device is lost.

use std::fmt;

use auth_core::{
    AccountChange, Applied, AuditEvent, AuthenticateError, Authenticated, CredentialBlob, CredentialKey,
    CredentialKind, EntropyError, EpochBump, Method, PrincipalId, Purpose, RejectionReason, Secret,
    StoreError, entropy_array,
};
use zeroize::Zeroizing;

use super::{SecondFactors, credential::CodeCredential, error::SecondFactorError};
use crate::otp::base32;

const PURPOSE: Purpose = Purpose::new("recovery-codes");

/// One recovery code: 80 unpredictable bits.
#[derive(Clone)]
pub struct RecoveryCode(Secret);

/// A new list of recovery codes. The store keeps keyed hashes, so this is the one moment to show it.
#[derive(Debug)]
#[must_use = "the list is shown once"]
pub struct RecoveryCodes(Vec<RecoveryCode>);

impl RecoveryCode {
    /// Random bytes of a code.
    const BYTES: usize = 10;

    /// The code as people copy it: four groups of four letters and digits, none of which look alike.
    #[must_use]
    pub fn expose(&self) -> Zeroizing<String> {
        let letters = base32::encode(self.0.expose());
        let mut text = Zeroizing::new(String::with_capacity(letters.len().saturating_mul(2)));
        for (at, letter) in letters.chars().enumerate() {
            if at > 0 && at.is_multiple_of(4) {
                text.push('-');
            }
            text.push(letter.to_ascii_lowercase());
        }
        text
    }

    /// Reads what was typed, in either case, with whatever hyphens and spaces.
    fn parse(typed: &str) -> Option<Self> {
        let letters: Zeroizing<String> =
            Zeroizing::new(typed.chars().filter(|c| !matches!(c, '-' | ' ')).collect());
        let bytes = base32::decode(&letters)?;
        (bytes.len() == Self::BYTES && !letters.ends_with('=')).then_some(Self(bytes))
    }
}

impl fmt::Debug for RecoveryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryCode(redacted)")
    }
}

impl RecoveryCodes {
    /// How many codes a list has.
    pub const COUNT: usize = 10;

    /// The codes.
    pub fn iter(&self) -> impl Iterator<Item = &RecoveryCode> {
        self.0.iter()
    }
}

impl SecondFactors {
    /// How many recovery codes an account has left: for the page that says so before there is none.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn recovery_codes_left(&self, owner: &PrincipalId) -> Result<usize, StoreError> {
        Ok(self.all_of(owner, &CredentialKind::RECOVERY_CODE).await?.len())
    }

    /// Makes a new list, and ends the old one in the same step. Only for accounts that have a device or a telephone.
    ///
    /// # Errors
    /// [`SecondFactorError`]; the old list is what it was, unless a store error says
    /// [`Written::Unknown`](auth_core::Written::Unknown).
    pub async fn renew_recovery_codes(
        &self,
        who: &Authenticated,
    ) -> Result<RecoveryCodes, SecondFactorError> {
        let checks = self.accounts.authenticator();
        let account = self.accounts.own_account::<SecondFactorError>(who).await?;
        self.some_factor(&account.id).await?;
        let (codes, changes) = self.new_recovery_codes(&account.id).await?;
        match checks.stores.accounts.apply(&account.id, account.version, &changes, EpochBump::Keep).await? {
            Applied::Applied(account) => {
                checks.record(&AuditEvent::CredentialChanged {
                    principal: account.id,
                    method: Method::RECOVERY_CODE,
                    epoch: account.epoch,
                });
                Ok(codes)
            }
            Applied::Gone => Err(RejectionReason::Unknown.into()),
            Applied::Conflict | Applied::LoginTaken => Err(SecondFactorError::busy()),
        }
    }

    /// A new list, and the changes that put it in the place of the old one.
    pub(super) async fn new_recovery_codes(
        &self,
        owner: &PrincipalId,
    ) -> Result<(RecoveryCodes, Vec<AccountChange>), SecondFactorError> {
        let mut changes = self.removal_of_recovery_codes(owner).await?;
        let mut codes = Vec::with_capacity(RecoveryCodes::COUNT);
        for _ in 0..RecoveryCodes::COUNT {
            let bytes: Zeroizing<[u8; RecoveryCode::BYTES]> =
                Zeroizing::new(entropy_array(&*self.accounts.entropy)?);
            let code = RecoveryCode(Secret::new(bytes.to_vec()));
            let key = recovery_key(owner, self.keys.mac(PURPOSE, &[&owner.to_bytes(), code.0.expose()]));
            // All there is of it is the key of its row.
            let data = CredentialBlob::new(&[]).ok_or(EntropyError)?;
            changes.push(AccountChange::AddCredential(self.record(key, owner, data)));
            codes.push(code);
        }
        Ok((RecoveryCodes(codes), changes))
    }

    pub(super) async fn removal_of_recovery_codes(
        &self,
        owner: &PrincipalId,
    ) -> Result<Vec<AccountChange>, StoreError> {
        let old = self.all_of(owner, &CredentialKind::RECOVERY_CODE).await?;
        Ok(old.into_iter().map(|record| AccountChange::RemoveCredential(record.key)).collect())
    }

    /// Uses a code up. Its row is found by a keyed hash of account and code, so nothing is compared here, and a
    /// copy of the store does not tell the codes even if they were short.
    pub(super) async fn check_recovery(&self, credential: &CodeCredential) -> Result<(), AuthenticateError> {
        let owner = &credential.principal;
        let typed = credential.text().ok_or(RejectionReason::TooLong)?;
        // What is no code is looked up all the same: nobody has it.
        let code = RecoveryCode::parse(typed).unwrap_or_else(|| RecoveryCode(Secret::new(Vec::new())));
        let bytes = owner.to_bytes();
        let parts: [&[u8]; 2] = [&bytes, code.0.expose()];
        let macs =
            [self.keys.mac(PURPOSE, &parts)].into_iter().chain(self.keys.retired_macs(PURPOSE, &parts));
        for mac in macs {
            let key = recovery_key(owner, mac);
            let found = match self.found(credential, &key).await {
                Err(AuthenticateError::Rejected(rejection))
                    if rejection.reason() == RejectionReason::NoCredential =>
                {
                    continue;
                }
                found => found?,
            };
            let credentials = &self.accounts.authenticator().stores.credentials;
            // Of any number at once, one did.
            return match credentials.consume(&key, found.credential.version).await? {
                true => Ok(()),
                false => Err(RejectionReason::Replayed.into()),
            };
        }
        Err(RejectionReason::Mismatch.into())
    }
}

fn recovery_key(owner: &PrincipalId, mac: [u8; 32]) -> CredentialKey {
    CredentialKey {
        realm: owner.realm().clone(),
        kind: CredentialKind::RECOVERY_CODE,
        lookup: Box::from(mac),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_however_it_is_typed() {
        let code = RecoveryCode(Secret::new((0..10).collect()));
        let text = code.expose();
        assert_eq!(*text, "aaaq-eaye-auda-ocaj");
        for typed in [&*text, &text.to_uppercase(), &text.replace('-', ""), " aaaq eaye-auda ocaj "] {
            assert_eq!(RecoveryCode::parse(typed).unwrap().0.expose(), code.0.expose(), "{typed}");
        }
        for bad in
            ["", "aaaq-eaye-auda", "aaaq-eaye-auda-ocaj-aaaa", "aaaq-eaye-auda-oca1", "aaaq-eaye-auda-ocaj="]
        {
            assert!(RecoveryCode::parse(bad).is_none(), "{bad}");
        }
        assert_eq!(format!("{code:?}"), "RecoveryCode(redacted)");
    }
}

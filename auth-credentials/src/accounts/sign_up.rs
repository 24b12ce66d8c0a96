//! Making an account.

use std::fmt::Write;

use auth_core::{
    Account, AuditEvent, Created, CredentialKey, CredentialKind, CredentialRecord, EntropyError, NameError,
    PrincipalId, PrincipalKind, Realm, StoreError, entropy_array,
};

use super::{Accounts, SignUpError};
use crate::{hash::hasher::HashError, password_authenticator::PasswordCredential};

/// What the logins of programs begin with: no person's does.
pub(crate) const SERVICE: &str = "service:";

/// Who makes accounts, whether or not they prove an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum SignUps {
    /// Anybody.
    #[default]
    Open,
    /// Whoever [accepts](crate::AccountLinks::accept) an invitation.
    InviteOnly,
    /// Nobody: invitations that were sent are no use either, until this changes.
    Closed,
}

impl Accounts {
    /// The same where these make accounts. Programs get theirs from administrators in any case:
    /// [`ApiKeys::create_service`](crate::ApiKeys::create_service).
    ///
    /// Say it before anything is made of these accounts: what has a clone of before, such as
    /// [`AccountLinks`](crate::AccountLinks), goes on as it was, which is open.
    #[must_use]
    pub fn with_sign_ups(mut self, who: SignUps) -> Self {
        self.sign_ups = who;
        self
    }

    /// Makes an account, unless there is one with this login: the answer is the same.
    ///
    /// In both cases the password is judged, the source is throttled, the account is looked up and a hash is
    /// made, and in both the store is asked to make the account; where it is taken, it says no. Nothing tells
    /// the caller which it was, so say "done, now log in", or let a mail tell the owner of the address. The
    /// audit sink has the difference. (A store that waits for its disk takes that wait only when it wrote.)
    ///
    /// Nobody is logged in by it. A login that begins with `service:` is a program's and nobody's to choose.
    ///
    /// # Errors
    /// [`SignUpError`] if the login or the password cannot be chosen by anybody, or it cannot be done now;
    /// [`SignUpError::Closed`] unless sign-ups are [open](SignUps::Open), whoever asks and for whatever login.
    pub async fn sign_up(&self, credential: PasswordCredential) -> Result<(), SignUpError> {
        if self.sign_ups != SignUps::Open {
            return Err(SignUpError::Closed);
        }
        let PasswordCredential { realm, login, password, source, .. } = credential;
        let login = login?;
        if login.as_str().starts_with(SERVICE) {
            return Err(NameError::Character { at: SERVICE.len().saturating_sub(1) }.into());
        }
        self.policy.check(&password, &login)?;
        let checks = &self.authenticator;
        let place = checks.enter::<SignUpError>(&self.sign_up_throttle, &realm, None, source).await?;
        let place = self.judge_leaked_at::<SignUpError>(place, &password, source).await?;
        let now = checks.clock.now();
        let id = self.new_id(&realm)?;

        let job = place.hash(password);
        let present = checks.stores.accounts.by_login(&realm, &login).await?;
        let data = job.await?.to_blob().ok_or(HashError::Aborted)?;
        let key = CredentialKey::only(&id, CredentialKind::PASSWORD);
        let record = CredentialRecord::new(key, id.clone(), data, now);
        let account = Account::new(id, login, now);
        match checks.stores.accounts.create(&account, &[record]).await? {
            Created::Created => checks.record(&AuditEvent::AccountCreated { principal: account.id }),
            Created::LoginTaken => {
                // Not found before: somebody else signed up at the same moment. Nothing to tell of them.
                if let Some(present) = present {
                    checks.record(&AuditEvent::SignUpTaken { principal: present.id });
                }
            }
            Created::Collision => return Err(StoreError::not_written("an account has this id").into()),
        }
        Ok(())
    }

    /// A new user: 128 unpredictable bits in hexadecimal, so that ids tell nothing and fit into a URL.
    pub(crate) fn new_id(&self, realm: &Realm) -> Result<PrincipalId, EntropyError> {
        let bytes: [u8; 16] = entropy_array(&*self.entropy)?;
        let mut id = String::with_capacity(32);
        for byte in bytes {
            // Writing to a string cannot fail.
            let _ = write!(id, "{byte:02x}");
        }
        // Hexadecimal digits are a name; the error is that of a source that gave nothing.
        PrincipalId::new(realm.clone(), PrincipalKind::User, &id).map_err(|_| EntropyError)
    }
}

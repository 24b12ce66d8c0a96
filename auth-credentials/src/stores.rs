//! Where accounts and credentials are kept.

use std::{fmt, sync::Arc};

use auth_core::{
    AccountChange, AccountStore, CredentialKind, CredentialRecord, CredentialStore, Entropy, EntropyError,
    FoundCredential, Page, PrincipalId, StoreError, Version, entropy_array,
};

/// The two traits of the account storage, usually of one and the same store.
#[derive(Clone)]
pub struct AccountStores {
    pub(crate) accounts: Arc<dyn AccountStore>,
    pub(crate) credentials: Arc<dyn CredentialStore>,
}

impl AccountStores {
    /// A store that keeps both.
    #[must_use]
    pub fn new<S: AccountStore + CredentialStore + 'static>(store: Arc<S>) -> Self {
        Self { accounts: Arc::<S>::clone(&store), credentials: store }
    }

    /// Two handles of one database, where the traits are implemented by different types.
    ///
    /// They must be the same database: changes of a credential through the account must be seen by whoever
    /// reads it.
    #[must_use]
    pub fn from_parts(accounts: Arc<dyn AccountStore>, credentials: Arc<dyn CredentialStore>) -> Self {
        Self { accounts, credentials }
    }
}

impl fmt::Debug for AccountStores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccountStores").finish_non_exhaustive()
    }
}

/// The changes that put a credential in the place of what was found. They are held to its version, and the new one has
/// the next: whoever read the old one and compares with what they read overwrites nothing. Where nothing was found,
/// there may have been one before.
pub(crate) fn put(
    found: Option<FoundCredential>,
    mut record: CredentialRecord,
    entropy: &dyn Entropy,
) -> Result<Vec<AccountChange>, EntropyError> {
    let mut changes = Vec::with_capacity(3);
    record.version = fresh_version(entropy)?;
    if let Some(FoundCredential { credential, .. }) = found {
        record.version = credential.version.next();
        let (key, expected, data) = (record.key.clone(), credential.version, record.data.clone());
        // The first holds to the version. The others leave neither an expiry nor a use of the old one.
        changes.push(AccountChange::ReplaceCredential { key, expected, data });
        changes.push(AccountChange::RemoveCredential(record.key.clone()));
    }
    changes.push(AccountChange::AddCredential(record));
    Ok(changes)
}

/// Where the versions of a credential begin whose key may have been that of another one, which was removed. If they
/// began with the first again, whoever read that one and compares with its version would take this one for it.
pub(crate) fn fresh_version(entropy: &dyn Entropy) -> Result<Version, EntropyError> {
    // A quarter of what databases have room for, so that there is some above.
    Ok(Version::new(u64::from_be_bytes(entropy_array(entropy)?) >> 3))
}

/// All credentials of a principal that are of this kind, oldest first.
pub(crate) async fn list_kind(
    store: &dyn CredentialStore,
    owner: &PrincipalId,
    kind: &CredentialKind,
) -> Result<Vec<CredentialRecord>, StoreError> {
    let (mut all, mut page) = (Vec::new(), Page::first());
    loop {
        let records = store.list(owner, page).await?;
        let last = records.len() < page.limit() as usize;
        all.extend(records.into_iter().filter(|record| record.key.kind == *kind));
        if last {
            return Ok(all);
        }
        page = page.next();
    }
}

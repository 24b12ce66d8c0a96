//! Accounts to check with.

use super::Pair;
use crate::{
    Account, Applied, Created, CredentialBlob, CredentialKey, CredentialKind, CredentialRecord,
    FoundCredential, LoginName, Page, PrincipalId,
    conformance::{
        check::{Verdict, Wrong, expect, present},
        sample::{START, user},
    },
};

pub(in crate::conformance) fn login(name: &str) -> Result<LoginName, Wrong> {
    Ok(LoginName::parse(name)?)
}

/// The account of a local user, who logs in with the id.
pub(in crate::conformance) fn account(name: &str) -> Result<Account, Wrong> {
    Ok(Account::new(user(name)?, login(name)?, START))
}

/// The account of any principal.
pub(in crate::conformance) fn account_of(id: PrincipalId, name: &str) -> Result<Account, Wrong> {
    Ok(Account::new(id, login(name)?, START))
}

pub(in crate::conformance) fn blob(bytes: &[u8]) -> Result<CredentialBlob, Wrong> {
    present("a credential's data", CredentialBlob::new(bytes))
}

/// Data with a number in it.
pub(in crate::conformance) fn numbered(n: u64) -> Result<CredentialBlob, Wrong> {
    blob(&n.to_be_bytes())
}

/// The number that [`numbered`] put in.
pub(in crate::conformance) fn number_in(data: &CredentialBlob) -> Option<u64> {
    Some(u64::from_be_bytes(data.expose().try_into().ok()?))
}

/// The password of an account.
pub(in crate::conformance) fn password(account: &Account) -> Result<CredentialRecord, Wrong> {
    let key = CredentialKey::only(&account.id, CredentialKind::PASSWORD);
    Ok(CredentialRecord::new(key, account.id.clone(), numbered(0)?, START))
}

/// An API key of an account.
pub(in crate::conformance) fn api_key(account: &Account, lookup: &[u8]) -> Result<CredentialRecord, Wrong> {
    let key = CredentialKey {
        realm: account.id.realm().clone(),
        kind: CredentialKind::from_static("api-key"),
        lookup: lookup.into(),
    };
    Ok(CredentialRecord::new(key, account.id.clone(), numbered(0)?, START))
}

pub(in crate::conformance) async fn create(
    pair: &Pair,
    account: &Account,
    credentials: &[CredentialRecord],
) -> Verdict {
    let created = pair.accounts.create(account, credentials).await?;
    expect("creating an account", created, Created::Created)
}

/// The account must be this one, by id and by login.
pub(in crate::conformance) async fn expect_account(pair: &Pair, wanted: &Account) -> Verdict {
    let found = present("the account by its id", pair.accounts.by_id(&wanted.id).await?)?;
    expect("the account by its id", &found, wanted)?;
    let found = pair.accounts.by_login(wanted.id.realm(), &wanted.login).await?;
    expect("the account by its login", found.as_ref(), Some(wanted))
}

/// There must be no account of this id.
pub(in crate::conformance) async fn expect_no_account(pair: &Pair, id: &PrincipalId) -> Verdict {
    expect("an account", pair.accounts.by_id(id).await?, None)
}

/// The credential must be this one, and of this account.
pub(in crate::conformance) async fn expect_credential(
    pair: &Pair,
    wanted: &CredentialRecord,
    owner: &Account,
) -> Verdict {
    let found = present("the credential", pair.credentials.find(&wanted.key).await?)?;
    expect_same(&found.credential, wanted)?;
    expect("the status that was found with it", found.status, owner.status)?;
    expect("the epoch that was found with it", found.epoch, owner.epoch)
}

/// Both records must be the same; names the first field that differs.
#[track_caller]
pub(in crate::conformance) fn expect_same(found: &CredentialRecord, wanted: &CredentialRecord) -> Verdict {
    expect("the key", &found.key, &wanted.key)?;
    expect("the owner", &found.owner, &wanted.owner)?;
    // Its `Debug` shows nothing, on purpose; the bytes here are no secrets.
    expect("the data", found.data.expose(), wanted.data.expose())?;
    expect("the version", found.version, wanted.version)?;
    expect("the failures", found.failures, wanted.failures)?;
    expect("created_at", found.created_at, wanted.created_at)?;
    expect("last_used_at", found.last_used_at, wanted.last_used_at)?;
    expect("expires_at", found.expires_at, wanted.expires_at)
}

/// There must be no such credential.
pub(in crate::conformance) async fn expect_no_credential(pair: &Pair, key: &CredentialKey) -> Verdict {
    let found: Option<FoundCredential> = pair.credentials.find(key).await?;
    expect("a credential", found.map(|found| found.credential.key), None)
}

/// The credentials of an account must have these keys, in any order.
pub(in crate::conformance) async fn expect_keys(
    pair: &Pair,
    owner: &Account,
    wanted: &[&CredentialRecord],
) -> Verdict {
    let listed = pair.credentials.list(&owner.id, Page::first()).await?;
    let sorted = |mut keys: Vec<CredentialKey>| {
        keys.sort_by(|a, b| (&a.kind, &a.lookup).cmp(&(&b.kind, &b.lookup)));
        keys
    };
    let found = listed.into_iter().map(|credential| credential.key).collect();
    let wanted = wanted.iter().map(|credential| credential.key.clone()).collect();
    expect("the credentials of the account", sorted(found), sorted(wanted))
}

/// The changes must have been made; answers the account of now.
#[track_caller]
pub(in crate::conformance) fn applied(answer: Applied) -> Result<Account, Wrong> {
    match answer {
        Applied::Applied(account) => Ok(*account),
        other => Err(Wrong::new(&format!("the changes: found {other:?}, wanted Applied"))),
    }
}

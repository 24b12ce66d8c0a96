//! Changing the credentials of an account.

use std::fmt::Debug;

use super::{
    AccountBench,
    sample::{
        account, api_key, applied, create, expect_account, expect_credential, expect_keys, expect_no_account,
        expect_no_credential, login, numbered, password,
    },
};
use crate::{
    AccountChange, AccountStatus, Applied, CredentialRecord, EpochBump, StoreError, Version,
    conformance::{
        check::{Verdict, Wrong, expect},
        sample::{at, other_realm},
    },
};

const KEEP: EpochBump = EpochBump::Keep;
const BUMP: EpochBump = EpochBump::Bump;

fn replace(credential: &CredentialRecord, expected: u64, n: u64) -> Result<AccountChange, Wrong> {
    let (key, expected) = (credential.key.clone(), Version::new(expected));
    Ok(AccountChange::ReplaceCredential { key, expected, data: numbered(n)? })
}

pub(super) async fn a_credential_is_added(bench: &AccountBench<'_>) -> Verdict {
    let (pair, mut ann) = (&bench.store, account("ann")?);
    let secret = password(&ann)?;
    create(pair, &ann, std::slice::from_ref(&secret)).await?;
    let new = CredentialRecord {
        // Where there was one before, versions begin anywhere in a quarter of what a signed 64-bit number counts.
        version: Version::new((1 << 61) - 1),
        failures: 2,
        last_used_at: Some(at(1)),
        expires_at: Some(at(2)),
        ..api_key(&ann, b"key")?
    };
    let changes = [AccountChange::AddCredential(new.clone())];
    ann = applied(pair.accounts.apply(&ann.id, ann.version, &changes, KEEP).await?)?;
    expect_account(pair, &ann).await?;
    expect_credential(pair, &new, &ann).await?;
    expect_credential(pair, &secret, &ann).await?;
    expect_keys(pair, &ann, &[&secret, &new]).await
}

pub(super) async fn a_credential_that_exists_is_not_added_again(bench: &AccountBench<'_>) -> Verdict {
    let (pair, ann, bob) = (&bench.store, account("ann")?, account("bob")?);
    let (own, his) = (api_key(&ann, b"hers")?, api_key(&bob, b"his")?);
    create(pair, &ann, std::slice::from_ref(&own)).await?;
    create(pair, &bob, std::slice::from_ref(&his)).await?;
    for existing in [&own, &his] {
        let again = CredentialRecord { owner: ann.id.clone(), data: numbered(9)?, ..existing.clone() };
        let changes = [AccountChange::AddCredential(again)];
        let answer = pair.accounts.apply(&ann.id, ann.version, &changes, BUMP).await?;
        expect("adding a key that exists", answer, Applied::Conflict)?;
    }
    expect_account(pair, &ann).await?;
    expect_credential(pair, &own, &ann).await?;
    expect_credential(pair, &his, &bob).await
}

/// An administrator's mistake must not hang one person's credential on another's account.
pub(super) async fn a_credential_of_another_owner_or_realm_is_not_written(
    bench: &AccountBench<'_>,
) -> Verdict {
    let (pair, ann, bob) = (&bench.store, account("ann")?, account("bob")?);
    create(pair, &bob, &[]).await?;
    let mut elsewhere = api_key(&ann, b"elsewhere")?;
    elsewhere.key.realm = other_realm()?;
    let wrong = [api_key(&bob, b"his")?, elsewhere];
    for credential in &wrong {
        let hers = api_key(&ann, b"hers")?;
        expect_not_written(pair.accounts.create(&ann, &[hers.clone(), credential.clone()]).await)?;
        expect_no_account(pair, &ann.id).await?;
        expect_no_credential(pair, &hers.key).await?;
    }
    create(pair, &ann, &[]).await?;
    for credential in &wrong {
        let changes = [
            AccountChange::Status(AccountStatus::Disabled),
            AccountChange::AddCredential(api_key(&ann, b"hers")?),
            AccountChange::AddCredential(credential.clone()),
        ];
        expect_not_written(pair.accounts.apply(&ann.id, ann.version, &changes, BUMP).await)?;
        expect_account(pair, &ann).await?;
    }
    for account in [&ann, &bob] {
        expect_keys(pair, account, &[]).await?;
    }
    for credential in &wrong {
        expect_no_credential(pair, &credential.key).await?;
    }
    Ok(())
}

/// The caller made a mistake, and is told that nothing came of it.
#[track_caller]
fn expect_not_written<T: Debug>(answer: Result<T, StoreError>) -> Verdict {
    match answer {
        Err(StoreError::NotWritten(_)) => Ok(()),
        other => Err(Wrong::new(&format!("a mistake of the caller: found {other:?}, wanted NotWritten"))),
    }
}

pub(super) async fn a_credential_is_replaced_and_its_failures_are_forgotten(
    bench: &AccountBench<'_>,
) -> Verdict {
    let (pair, mut ann) = (&bench.store, account("ann")?);
    let old = CredentialRecord {
        failures: 99,
        last_used_at: Some(at(1)),
        expires_at: Some(at(2)),
        ..password(&ann)?
    };
    let other = CredentialRecord { failures: 7, ..api_key(&ann, b"key")? };
    create(pair, &ann, &[old.clone(), other.clone()]).await?;
    let changes = [replace(&old, 1, 5)?];
    ann = applied(pair.accounts.apply(&ann.id, ann.version, &changes, BUMP).await?)?;
    let new = CredentialRecord { data: numbered(5)?, version: old.version.next(), failures: 0, ..old };
    expect_credential(pair, &new, &ann).await?;
    expect_credential(pair, &other, &ann).await?;
    expect_keys(pair, &ann, &[&new, &other]).await
}

/// A rehash that was under way while the password changed must not bring the old one back, nor the reverse.
pub(super) async fn a_credential_of_another_version_is_not_replaced(bench: &AccountBench<'_>) -> Verdict {
    let (pair, ann) = (&bench.store, account("ann")?);
    let secret = CredentialRecord { version: Version::new(5), ..password(&ann)? };
    create(pair, &ann, std::slice::from_ref(&secret)).await?;
    for version in [0, 1, 4, 6] {
        let changes = [replace(&secret, version, 9)?];
        let answer = pair.accounts.apply(&ann.id, ann.version, &changes, BUMP).await?;
        expect("replacing another version", answer, Applied::Conflict)?;
    }
    let changes = [replace(&api_key(&ann, b"none")?, 1, 9)?];
    let answer = pair.accounts.apply(&ann.id, ann.version, &changes, BUMP).await?;
    expect("replacing what is not there", answer, Applied::Conflict)?;
    expect_account(pair, &ann).await?;
    expect_credential(pair, &secret, &ann).await?;
    expect_no_credential(pair, &api_key(&ann, b"none")?.key).await
}

pub(super) async fn a_credential_is_removed(bench: &AccountBench<'_>) -> Verdict {
    let (pair, mut ann) = (&bench.store, account("ann")?);
    let (secret, key) = (password(&ann)?, api_key(&ann, b"key")?);
    create(pair, &ann, &[secret.clone(), key.clone()]).await?;
    // The second time, it is absent already.
    for _ in 0..2 {
        let changes = [AccountChange::RemoveCredential(key.key.clone())];
        ann = applied(pair.accounts.apply(&ann.id, ann.version, &changes, KEEP).await?)?;
        expect_account(pair, &ann).await?;
        expect_no_credential(pair, &key.key).await?;
        expect_keys(pair, &ann, &[&secret]).await?;
    }
    let changes = [AccountChange::AddCredential(key.clone())];
    ann = applied(pair.accounts.apply(&ann.id, ann.version, &changes, KEEP).await?)?;
    expect_credential(pair, &key, &ann).await
}

/// A key's lookup may be known: naming somebody else's must do nothing to it.
pub(super) async fn credentials_of_other_accounts_are_out_of_reach(bench: &AccountBench<'_>) -> Verdict {
    let (pair, mut ann, bob) = (&bench.store, account("ann")?, account("bob")?);
    let his = CredentialRecord { failures: 3, ..api_key(&bob, b"his")? };
    create(pair, &ann, &[]).await?;
    create(pair, &bob, std::slice::from_ref(&his)).await?;
    let changes = [replace(&his, 1, 9)?];
    let answer = pair.accounts.apply(&ann.id, ann.version, &changes, KEEP).await?;
    expect("replacing his", answer, Applied::Conflict)?;
    let changes = [AccountChange::RemoveCredential(his.key.clone())];
    ann = applied(pair.accounts.apply(&ann.id, ann.version, &changes, KEEP).await?)?;
    expect_credential(pair, &his, &bob).await?;
    expect_keys(pair, &bob, &[&his]).await?;
    expect_keys(pair, &ann, &[]).await
}

pub(super) async fn a_conflict_in_a_later_change_undoes_the_earlier_ones(
    bench: &AccountBench<'_>,
) -> Verdict {
    refused_as_a_whole(bench, Applied::Conflict).await
}

pub(super) async fn a_login_taken_in_a_later_change_undoes_the_earlier_ones(
    bench: &AccountBench<'_>,
) -> Verdict {
    refused_as_a_whole(bench, Applied::LoginTaken).await
}

async fn refused_as_a_whole(bench: &AccountBench<'_>, refusal: Applied) -> Verdict {
    let (pair, ann, bob) = (&bench.store, account("ann")?, account("bob")?);
    let (secret, key, new) = (password(&ann)?, api_key(&ann, b"key")?, api_key(&ann, b"new")?);
    create(pair, &ann, &[secret.clone(), key.clone()]).await?;
    create(pair, &bob, &[]).await?;
    let last = match refusal {
        Applied::LoginTaken => AccountChange::Login(login("bob")?),
        _ => replace(&api_key(&ann, b"none")?, 1, 9)?,
    };
    // Each alone before the one that is refused, then all of them.
    let good = [
        AccountChange::Status(AccountStatus::Disabled),
        AccountChange::Login(login("ann2")?),
        AccountChange::AddCredential(new.clone()),
        replace(&secret, 1, 9)?,
        AccountChange::RemoveCredential(key.key.clone()),
    ];
    let alone = good.iter().map(|change| vec![change.clone(), last.clone()]);
    let all = good.iter().cloned().chain([last.clone()]).collect();
    for changes in alone.chain([all]) {
        let answer = pair.accounts.apply(&ann.id, ann.version, &changes, BUMP).await?;
        expect("changes of which the last is refused", answer, refusal.clone())?;
        expect_account(pair, &ann).await?;
        expect_account(pair, &bob).await?;
        expect_credential(pair, &secret, &ann).await?;
        expect_credential(pair, &key, &ann).await?;
        expect_no_credential(pair, &new.key).await?;
        expect_keys(pair, &ann, &[&secret, &key]).await?;
    }
    let found = pair.accounts.by_login(ann.id.realm(), &login("ann2")?).await?;
    expect("the login that was not given", found, None)
}

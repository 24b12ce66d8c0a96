//! Changing an account.

use super::{
    AccountBench,
    sample::{
        account, account_of, api_key, applied, create, expect_account, expect_credential, expect_no_account,
        login, password,
    },
};
use crate::{
    Account, AccountChange, AccountStatus, Applied, AuthEpoch, EpochBump, PrincipalId, PrincipalKind, Realm,
    Version,
    conformance::{
        check::{Verdict, expect},
        sample::other_realm,
    },
};

const KEEP: EpochBump = EpochBump::Keep;
const BUMP: EpochBump = EpochBump::Bump;

pub(super) async fn a_change_raises_the_version_by_one(bench: &AccountBench<'_>) -> Verdict {
    let (pair, mut ann, bob) = (&bench.store, account("ann")?, account("bob")?);
    create(pair, &ann, &[password(&ann)?]).await?;
    create(pair, &bob, &[]).await?;
    for status in [AccountStatus::Disabled, AccountStatus::Disabled, AccountStatus::Active] {
        let changes = [AccountChange::Status(status)];
        let found = applied(pair.accounts.apply(&ann.id, ann.version, &changes, KEEP).await?)?;
        ann = Account { status, version: ann.version.next(), ..ann };
        expect("the answer", &found, &ann)?;
        expect_account(pair, &ann).await?;
    }
    // No change at all counts as one, too: whoever read the version before has to read again.
    let found = applied(pair.accounts.apply(&ann.id, ann.version, &[], KEEP).await?)?;
    expect("the answer", &found, &Account { version: ann.version.next(), ..ann.clone() })?;
    expect_credential(pair, &password(&ann)?, &ann).await?;
    expect_account(pair, &bob).await
}

pub(super) async fn a_bump_raises_the_epoch_and_notes_the_sweep(bench: &AccountBench<'_>) -> Verdict {
    let (pair, mut ann, bob) = (&bench.store, account("ann")?, account("bob")?);
    create(pair, &ann, &[password(&ann)?]).await?;
    create(pair, &bob, &[password(&bob)?]).await?;
    for epoch in 1..4 {
        let found = applied(pair.accounts.apply(&ann.id, ann.version, &[], BUMP).await?)?;
        ann =
            Account { epoch: AuthEpoch::new(epoch), version: ann.version.next(), sweep_pending: true, ..ann };
        expect("the answer", &found, &ann)?;
        expect_account(pair, &ann).await?;
        expect_credential(pair, &password(&ann)?, &ann).await?;
    }
    expect_account(pair, &bob).await?;
    expect_credential(pair, &password(&bob)?, &bob).await
}

pub(super) async fn a_change_of_another_version_is_a_conflict(bench: &AccountBench<'_>) -> Verdict {
    let (pair, ann) = (&bench.store, Account { version: Version::new(5), ..account("ann")? });
    create(pair, &ann, &[password(&ann)?]).await?;
    let changes = [
        AccountChange::Status(AccountStatus::Disabled),
        AccountChange::Login(login("ann2")?),
        AccountChange::RemoveCredential(password(&ann)?.key),
    ];
    for version in [0, 1, 4, 6, 1_000] {
        let answer = pair.accounts.apply(&ann.id, Version::new(version), &changes, BUMP).await?;
        expect("changing another version", answer, Applied::Conflict)?;
        expect_account(pair, &ann).await?;
        expect_credential(pair, &password(&ann)?, &ann).await?;
    }
    Ok(())
}

pub(super) async fn a_change_of_no_account_makes_none(bench: &AccountBench<'_>) -> Verdict {
    let (pair, ann, removed) = (&bench.store, account("ann")?, account("bob")?);
    create(pair, &removed, &[password(&removed)?]).await?;
    expect("removing", pair.accounts.remove(&removed.id).await?, true)?;
    for account in [ann, removed] {
        let changes = [AccountChange::AddCredential(api_key(&account, b"key")?)];
        let answer = pair.accounts.apply(&account.id, account.version, &changes, BUMP).await?;
        expect("changing", answer, Applied::Gone)?;
        expect_no_account(pair, &account.id).await?;
        let found = pair.credentials.find(&api_key(&account, b"key")?.key).await?;
        expect("a credential of nobody", found, None)?;
    }
    Ok(())
}

pub(super) async fn a_change_of_login_frees_the_old_one(bench: &AccountBench<'_>) -> Verdict {
    let (pair, ann) = (&bench.store, account("ann")?);
    create(pair, &ann, &[password(&ann)?]).await?;
    let changes = [AccountChange::Login(login("ann2")?)];
    let found = applied(pair.accounts.apply(&ann.id, ann.version, &changes, KEEP).await?)?;
    let renamed = Account { login: login("ann2")?, version: ann.version.next(), ..ann.clone() };
    expect("the answer", &found, &renamed)?;
    expect_account(pair, &renamed).await?;
    expect("the old login", pair.accounts.by_login(&Realm::LOCAL, &ann.login).await?, None)?;
    // Its own login is not taken by another.
    let same = applied(pair.accounts.apply(&ann.id, renamed.version, &changes, KEEP).await?)?;
    expect("the same login again", &same.login, &renamed.login)?;
    let next = account_of(PrincipalId::local_user("another")?, "ann")?;
    create(pair, &next, &[]).await?;
    expect_account(pair, &next).await?;
    expect_account(pair, &same).await
}

pub(super) async fn a_login_that_is_taken_is_refused(bench: &AccountBench<'_>) -> Verdict {
    let (pair, ann, bob) = (&bench.store, account("ann")?, account("bob")?);
    let elsewhere = account_of(PrincipalId::new(other_realm()?, PrincipalKind::User, "x")?, "carol")?;
    for account in [&ann, &bob, &elsewhere] {
        create(pair, account, &[]).await?;
    }
    let changes = [AccountChange::Login(login("bob")?)];
    let answer = pair.accounts.apply(&ann.id, ann.version, &changes, BUMP).await?;
    expect("changing to his login", answer, Applied::LoginTaken)?;
    for account in [&ann, &bob] {
        expect_account(pair, account).await?;
    }
    let changes = [AccountChange::Login(login("carol")?)];
    let found = applied(pair.accounts.apply(&ann.id, ann.version, &changes, KEEP).await?)?;
    expect_account(pair, &found).await?;
    expect_account(pair, &elsewhere).await
}

pub(super) async fn a_status_is_seen_with_every_credential(bench: &AccountBench<'_>) -> Verdict {
    let (pair, mut ann) = (&bench.store, account("ann")?);
    let credentials = [password(&ann)?, api_key(&ann, b"key")?];
    create(pair, &ann, &credentials).await?;
    for status in [AccountStatus::Disabled, AccountStatus::Active] {
        let changes = [AccountChange::Status(status)];
        ann = applied(pair.accounts.apply(&ann.id, ann.version, &changes, BUMP).await?)?;
        expect("the status", ann.status, status)?;
        for credential in &credentials {
            expect_credential(pair, credential, &ann).await?;
        }
    }
    Ok(())
}

/// With the version that was swept: a bump that came meanwhile is a conflict, and its sweep stays pending.
pub(super) async fn a_sweep_that_is_done_is_noted(bench: &AccountBench<'_>) -> Verdict {
    let (pair, ann) = (&bench.store, account("ann")?);
    create(pair, &ann, &[]).await?;
    let swept = applied(pair.accounts.apply(&ann.id, ann.version, &[], BUMP).await?)?;
    let meanwhile = applied(pair.accounts.apply(&ann.id, swept.version, &[], BUMP).await?)?;
    let done = [AccountChange::SweepDone];
    let answer = pair.accounts.apply(&ann.id, swept.version, &done, KEEP).await?;
    expect("the sweep of before", answer, Applied::Conflict)?;
    expect_account(pair, &meanwhile).await?;
    let found = applied(pair.accounts.apply(&ann.id, meanwhile.version, &done, KEEP).await?)?;
    let wanted = Account { sweep_pending: false, version: meanwhile.version.next(), ..meanwhile };
    expect("the answer", &found, &wanted)?;
    expect_account(pair, &wanted).await
}

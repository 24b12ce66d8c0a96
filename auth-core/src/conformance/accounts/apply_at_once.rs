//! Changing an account at once.

use std::sync::Arc;

use super::{
    AccountBench, Pair,
    sample::{
        account, api_key, applied, create, expect_keys, expect_no_account, expect_no_credential, login,
        number_in, numbered, password,
    },
};
use crate::{
    Account, AccountChange, AccountStatus, Applied, AuthEpoch, EpochBump, PrincipalId, Version,
    conformance::check::{Verdict, Wrong, ensure, expect, present},
};

pub(super) async fn of_many_changes_of_one_version_one_wins(bench: &AccountBench<'_>) -> Verdict {
    let race = bench.race(|round| async move {
        let ann = account(&format!("ann{}", round.n))?;
        let secret = password(&ann)?;
        create(&round.store, &ann, std::slice::from_ref(&secret)).await?;
        let (id, version, key) = (ann.id.clone(), ann.version, secret.key.clone());
        let answers = round
            .many(move |n, pair| {
                let (id, key) = (id.clone(), key.clone());
                async move {
                    let data = numbered(n)?;
                    let change = AccountChange::ReplaceCredential { key, expected: Version::FIRST, data };
                    Ok::<_, Wrong>(pair.accounts.apply(&id, version, &[change], EpochBump::Bump).await?)
                }
            })
            .await?;
        let won = |answer: &Applied| matches!(answer, Applied::Applied(_));
        ensure(answers.iter().all(|a| won(a) || *a == Applied::Conflict), "applied or conflict")?;
        expect("how many won", answers.iter().filter(|a| won(a)).count(), 1)?;
        let winner = present("the winner", (0_u64..).zip(&answers).find(|(_, a)| won(a)))?.0;
        let found = present("the credential", round.store.credentials.find(&secret.key).await?)?;
        expect("whose data it has", number_in(&found.credential.data), Some(winner))?;
        expect("the epoch", found.epoch, AuthEpoch::new(1))
    });
    race.await
}

/// Writers that read and bump until they win: the epoch shows every bump.
pub(super) async fn no_bump_is_lost(bench: &AccountBench<'_>) -> Verdict {
    const TIMES: u64 = 2;
    let race = bench.race(|round| async move {
        let ann = account(&format!("ann{}", round.n))?;
        create(&round.store, &ann, &[]).await?;
        let id = ann.id.clone();
        round.many(move |_, pair| bump_often(pair, id.clone(), TIMES)).await?;
        let wanted = TIMES.saturating_mul(round.width.into());
        let found = present("the account", round.store.accounts.by_id(&ann.id).await?)?;
        expect("the epoch", found.epoch, AuthEpoch::new(wanted))?;
        let versions = found.version.get().saturating_sub(ann.version.get());
        expect("how often the version went up", versions, wanted)
    });
    race.await
}

async fn bump_often(pair: Arc<Pair>, id: PrincipalId, times: u64) -> Verdict {
    for _ in 0..times {
        loop {
            let found = present("the account", pair.accounts.by_id(&id).await?)?;
            let answer = pair.accounts.apply(&id, found.version, &[], EpochBump::Bump).await?;
            if answer != Applied::Conflict {
                let now = applied(answer)?;
                expect("the epoch of now", now.epoch, found.epoch.next())?;
                break;
            }
        }
    }
    Ok(())
}

pub(super) async fn of_many_that_change_to_one_login_one_does(bench: &AccountBench<'_>) -> Verdict {
    let race = bench.race(|round| async move {
        let name = format!("new{}", round.n);
        let old = |n: u64| account(&format!("old{}-{n}", round.n));
        for n in 0..u64::from(round.width) {
            create(&round.store, &old(n)?, &[]).await?;
        }
        let (wanted, number) = (name.clone(), round.n);
        let answers = round
            .many(move |n, pair| {
                let (name, account) = (login(&wanted), account(&format!("old{number}-{n}")));
                async move {
                    let (change, account) = (AccountChange::Login(name?), account?);
                    let version = account.version;
                    Ok::<_, Wrong>(
                        pair.accounts.apply(&account.id, version, &[change], EpochBump::Keep).await?,
                    )
                }
            })
            .await?;
        let won = |answer: &Applied| matches!(answer, Applied::Applied(_));
        ensure(answers.iter().all(|a| won(a) || *a == Applied::LoginTaken), "applied or taken")?;
        expect("how many have it", answers.iter().filter(|a| won(a)).count(), 1)?;
        let winner = present("the winner", (0_u64..).zip(&answers).find(|(_, a)| won(a)))?.0;
        for n in 0..u64::from(round.width) {
            let account = old(n)?;
            let wanted = if n == winner { login(&name)? } else { account.login };
            let found = present("an account", round.store.accounts.by_id(&account.id).await?)?;
            expect("its login", found.login, wanted)?;
        }
        let found = round.store.accounts.by_login(old(0)?.id.realm(), &login(&name)?).await?;
        expect("who has it", present("the account", found)?.id, old(winner)?.id)
    });
    race.await
}

/// Login, status, epoch and version move together.
pub(super) async fn an_account_is_never_read_half_changed(bench: &AccountBench<'_>) -> Verdict {
    const OFTEN: u64 = 3;
    let race = bench.race(|round| async move {
        let ann = account(&format!("ann{}", round.n))?;
        create(&round.store, &ann, &[]).await?;
        let (id, name, number) = (ann.id.clone(), ann.login.clone(), round.n);
        round
            .one_and_many(
                move |pair| async move {
                    let mut account = ann;
                    for n in 1..=OFTEN {
                        let changes = [
                            AccountChange::Status(status_of(n)),
                            AccountChange::Login(login(&format!("ann{number}-{n}"))?),
                        ];
                        let answer =
                            pair.accounts.apply(&account.id, account.version, &changes, EpochBump::Bump);
                        account = applied(answer.await?)?;
                    }
                    Ok::<_, Wrong>(())
                },
                move |_, pair| {
                    let (id, first) = (id.clone(), name.clone());
                    async move {
                        for _ in 0..OFTEN {
                            let found = present("the account", pair.accounts.by_id(&id).await?)?;
                            let n = found.epoch.get();
                            let name =
                                if n == 0 { first.clone() } else { login(&format!("ann{number}-{n}"))? };
                            let version = found.version.get().saturating_sub(Version::FIRST.get());
                            expect("the version", version, n)?;
                            expect("the rest", (found.status, found.login), (status_of(n), name))?;
                        }
                        Ok::<_, Wrong>(())
                    }
                },
            )
            .await
            .map(drop)
    });
    race.await
}

fn status_of(epoch: u64) -> AccountStatus {
    if epoch.is_multiple_of(2) { AccountStatus::Active } else { AccountStatus::Disabled }
}

/// Whichever comes first, neither the account nor a credential is left.
pub(super) async fn a_change_at_once_with_removal_brings_nothing_back(bench: &AccountBench<'_>) -> Verdict {
    let race = bench.race(|round| async move {
        let ann: Account = account(&format!("ann{}", round.n))?;
        let (secret, new) = (password(&ann)?, api_key(&ann, ann.login.as_str().as_bytes())?);
        create(&round.store, &ann, std::slice::from_ref(&secret)).await?;
        let (id, same, version, added) = (ann.id.clone(), ann.id.clone(), ann.version, new.clone());
        let (removed, answer) = round
            .both(
                move |pair| async move { pair.accounts.remove(&id).await },
                move |pair| async move {
                    let changes = [AccountChange::AddCredential(added)];
                    pair.accounts.apply(&same, version, &changes, EpochBump::Keep).await
                },
            )
            .await?;
        expect("removing", removed, true)?;
        ensure(matches!(answer, Applied::Applied(_) | Applied::Gone), "applied or gone")?;
        expect_no_account(&round.store, &ann.id).await?;
        expect_no_credential(&round.store, &secret.key).await?;
        expect_no_credential(&round.store, &new.key).await?;
        expect_keys(&round.store, &ann, &[]).await
    });
    race.await
}

//! Using a credential at once.

use super::CredentialBench;
use crate::{
    CredentialRecord, Updated,
    conformance::{
        accounts::sample::{
            account, create, expect_keys, expect_no_account, expect_no_credential, expect_same, number_in,
            numbered, password,
        },
        check::{Verdict, Wrong, ensure, expect, present},
        sample::at,
    },
};

pub(super) async fn of_many_updates_of_one_version_one_wins(bench: &CredentialBench<'_>) -> Verdict {
    let race = bench.race(|round| async move {
        let ann = account(&format!("ann{}", round.n))?;
        let secret = password(&ann)?;
        create(&round.store, &ann, std::slice::from_ref(&secret)).await?;
        let (key, version) = (secret.key.clone(), secret.version);
        let answers = round
            .many(move |n, pair| {
                let key = key.clone();
                async move { Ok::<_, Wrong>(pair.credentials.update(&key, version, &numbered(n)?).await?) }
            })
            .await?;
        let won = |answer: &Updated| *answer == Updated::Updated;
        ensure(answers.iter().all(|a| won(a) || *a == Updated::Conflict), "updated or conflict")?;
        expect("how many won", answers.iter().filter(|a| won(a)).count(), 1)?;
        let winner = present("the winner", (0_u64..).zip(&answers).find(|(_, a)| won(a)))?.0;
        let found = present("the credential", round.store.credentials.find(&secret.key).await?)?.credential;
        let wanted = CredentialRecord { data: numbered(winner)?, version: version.next(), ..secret };
        expect_same(&found, &wanted)
    });
    race.await
}

/// One recovery code, two browsers.
pub(super) async fn of_many_that_consume_one_credential_one_does(bench: &CredentialBench<'_>) -> Verdict {
    let race = bench.race(|round| async move {
        let ann = account(&format!("ann{}", round.n))?;
        let code = password(&ann)?;
        create(&round.store, &ann, std::slice::from_ref(&code)).await?;
        let (key, version) = (code.key.clone(), code.version);
        let answers = round
            .many(move |_, pair| {
                let key = key.clone();
                async move { pair.credentials.consume(&key, version).await }
            })
            .await?;
        expect("how many did", answers.iter().filter(|consumed| **consumed).count(), 1)?;
        expect_no_credential(&round.store, &code.key).await
    });
    race.await
}

pub(super) async fn a_credential_is_not_both_consumed_and_updated(bench: &CredentialBench<'_>) -> Verdict {
    let race = bench.race(|round| async move {
        let ann = account(&format!("ann{}", round.n))?;
        let code = password(&ann)?;
        create(&round.store, &ann, std::slice::from_ref(&code)).await?;
        let (key, same, version) = (code.key.clone(), code.key.clone(), code.version);
        let (consumed, updated) = round
            .both(
                move |pair| async move { pair.credentials.consume(&key, version).await },
                move |pair| async move {
                    Ok::<_, Wrong>(pair.credentials.update(&same, version, &numbered(1)?).await?)
                },
            )
            .await?;
        let found = round.store.credentials.find(&code.key).await?;
        let data = found.and_then(|found| number_in(&found.credential.data));
        match updated {
            Updated::Updated => expect("consumed, and the data", (consumed, data), (false, Some(1))),
            _ => expect("consumed, and the data", (consumed, data), (true, None)),
        }
    });
    race.await
}

/// Guesses at once must not exceed a cap: the answers are 1, 2, 3 and so on, in some order.
pub(super) async fn no_failure_is_lost(bench: &CredentialBench<'_>) -> Verdict {
    let race = bench.race(|round| async move {
        let ann = account(&format!("ann{}", round.n))?;
        let secret = password(&ann)?;
        create(&round.store, &ann, std::slice::from_ref(&secret)).await?;
        let key = secret.key.clone();
        let mut answers = round
            .many(move |_, pair| {
                let key = key.clone();
                async move { pair.credentials.count_failure(&key).await }
            })
            .await?;
        answers.sort_unstable();
        expect("the counts", answers, (1..=round.width).map(Some).collect())?;
        let found = present("the credential", round.store.credentials.find(&secret.key).await?)?.credential;
        expect_same(&found, &CredentialRecord { failures: round.width, ..secret })
    });
    race.await
}

/// A write of the whole row undoes a failure that was counted meanwhile.
pub(super) async fn failures_and_updates_at_once_are_both_kept(bench: &CredentialBench<'_>) -> Verdict {
    let race = bench.race(|round| async move {
        let ann = account(&format!("ann{}", round.n))?;
        let secret = password(&ann)?;
        create(&round.store, &ann, std::slice::from_ref(&secret)).await?;
        let (key, same, version) = (secret.key.clone(), secret.key.clone(), secret.version);
        let (updated, failures) = round
            .one_and_many(
                move |pair| async move {
                    Ok::<_, Wrong>(pair.credentials.update(&key, version, &numbered(1)?).await?)
                },
                move |_, pair| {
                    let key = same.clone();
                    async move { pair.credentials.count_failure(&key).await }
                },
            )
            .await?;
        expect("updating", updated, Updated::Updated)?;
        let found = present("the credential", round.store.credentials.find(&secret.key).await?)?.credential;
        let failures = u32::try_from(failures.len())?;
        let wanted = CredentialRecord { data: numbered(1)?, version: version.next(), failures, ..secret };
        expect_same(&found, &wanted)
    });
    race.await
}

pub(super) async fn a_write_at_once_with_removal_brings_nothing_back(bench: &CredentialBench<'_>) -> Verdict {
    let race = bench.race(|round| async move {
        let ann = account(&format!("ann{}", round.n))?;
        let secret = password(&ann)?;
        create(&round.store, &ann, std::slice::from_ref(&secret)).await?;
        let (id, key, version) = (ann.id.clone(), secret.key.clone(), secret.version);
        let (removed, _) = round
            .one_and_many(
                move |pair| async move { pair.accounts.remove(&id).await },
                move |n, pair| {
                    let key = key.clone();
                    async move {
                        match n % 3 {
                            0 => drop(pair.credentials.succeeded(&key, version, at(1)).await?),
                            1 => drop(pair.credentials.count_failure(&key).await?),
                            _ => {
                                let updated = pair.credentials.update(&key, version, &numbered(1)?).await?;
                                ensure(updated != Updated::Conflict, "updated or gone")?;
                            }
                        }
                        Ok::<_, Wrong>(())
                    }
                },
            )
            .await?;
        expect("removing", removed, true)?;
        expect_no_account(&round.store, &ann.id).await?;
        expect_no_credential(&round.store, &secret.key).await?;
        expect_keys(&round.store, &ann, &[]).await
    });
    race.await
}

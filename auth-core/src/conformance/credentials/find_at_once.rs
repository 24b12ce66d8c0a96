//! Finding a credential while it changes.

use std::sync::Arc;

use super::CredentialBench;
use crate::{
    Account, AccountChange, AccountStatus, CredentialRecord, EpochBump, Updated, Version,
    conformance::{
        accounts::{
            Pair,
            sample::{account, applied, create, number_in, numbered, password},
        },
        check::{Verdict, Wrong, expect, present},
    },
};

const OFTEN: u64 = 3;

/// Password and epoch change together. A reader that sees the old password with the new epoch makes a login
/// that outlives the change; the new one with the old epoch, a login that is dead at once.
pub(super) async fn data_and_epoch_are_read_in_one_step(bench: &CredentialBench<'_>) -> Verdict {
    let race = bench.race(|round| async move {
        let ann = account(&format!("ann{}", round.n))?;
        let secret = password(&ann)?;
        create(&round.store, &ann, std::slice::from_ref(&secret)).await?;
        let key = secret.key.clone();
        round
            .one_and_many(
                move |pair| change_often(pair, ann, secret),
                move |_, pair| {
                    let key = key.clone();
                    async move {
                        for _ in 0..2 * OFTEN {
                            let found = present("the credential", pair.credentials.find(&key).await?)?;
                            let epoch = found.epoch.get();
                            expect(
                                "the number in data of this epoch",
                                number_in(&found.credential.data),
                                Some(epoch),
                            )?;
                            expect("the status of this epoch", found.status, status_of(epoch))?;
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

async fn change_often(pair: Arc<Pair>, mut account: Account, mut secret: CredentialRecord) -> Verdict {
    for n in 1..=OFTEN {
        let (key, expected, data) = (secret.key.clone(), secret.version, numbered(n)?);
        let changes =
            [AccountChange::Status(status_of(n)), AccountChange::ReplaceCredential { key, expected, data }];
        let answer = pair.accounts.apply(&account.id, account.version, &changes, EpochBump::Bump).await?;
        account = applied(answer)?;
        secret.version = secret.version.next();
    }
    Ok(())
}

pub(super) async fn a_credential_is_never_read_half_written(bench: &CredentialBench<'_>) -> Verdict {
    let race = bench.race(|round| async move {
        let ann = account(&format!("ann{}", round.n))?;
        let secret = password(&ann)?;
        create(&round.store, &ann, std::slice::from_ref(&secret)).await?;
        let key = secret.key.clone();
        round
            .one_and_many(
                move |pair| async move {
                    let mut version = Version::FIRST;
                    for n in 1..=OFTEN {
                        let updated = pair.credentials.update(&secret.key, version, &numbered(n)?).await?;
                        expect("updating", updated, Updated::Updated)?;
                        version = version.next();
                    }
                    Ok::<_, Wrong>(())
                },
                move |_, pair| {
                    let key = key.clone();
                    async move {
                        for _ in 0..2 * OFTEN {
                            let found =
                                present("the credential", pair.credentials.find(&key).await?)?.credential;
                            let written = found.version.get().saturating_sub(Version::FIRST.get());
                            expect(
                                "the number in data of this version",
                                number_in(&found.data),
                                Some(written),
                            )?;
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

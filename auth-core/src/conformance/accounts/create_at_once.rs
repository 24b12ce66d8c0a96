//! Signing up at once.

use super::{
    AccountBench,
    sample::{account_of, api_key, login, password},
};
use crate::{
    Account, Created, CredentialRecord, PrincipalId, Realm,
    conformance::{
        check::{Verdict, Wrong, ensure, expect, present},
        sample::user,
    },
};

/// Many that want the same; what each wants, by its number.
async fn one_is_created(
    bench: &AccountBench<'_>,
    wanted: impl Fn(u64, u64) -> Result<(Account, CredentialRecord), Wrong> + Copy + Send + Sync + 'static,
    refusal: Created,
) -> Verdict {
    let race = bench.race(|round| async move {
        let number = round.n;
        let answers = round
            .many(move |n, pair| {
                let wanted = wanted(number, n);
                async move {
                    let (account, credential) = wanted?;
                    Ok::<_, Wrong>(pair.accounts.create(&account, &[credential]).await?)
                }
            })
            .await?;
        ensure(answers.iter().all(|a| *a == Created::Created || *a == refusal), "created or refused")?;
        expect("how many were created", answers.iter().filter(|a| **a == Created::Created).count(), 1)?;
        // The winner has everything, the others have nothing.
        let winner = present("the winner", (0..).zip(&answers).find(|(_, a)| **a == Created::Created))?.0;
        for n in 0..u64::from(round.width) {
            let (account, credential) = wanted(number, n)?;
            let by_id = round.store.accounts.by_id(&account.id).await?;
            let own = by_id.is_some_and(|found| found == account);
            expect("whether there is such an account", own, n == winner)?;
            let found = round.store.credentials.find(&credential.key).await?;
            let own = found.is_some_and(|found| found.credential == credential);
            expect("whether there is such a credential", own, n == winner)?;
        }
        Ok(())
    });
    race.await
}

pub(super) async fn of_many_that_sign_up_with_one_login_one_does(bench: &AccountBench<'_>) -> Verdict {
    let wanted = |round: u64, n: u64| {
        let account = account_of(user(&format!("{round} {n}"))?, &format!("ann{round}"))?;
        let secret = password(&account)?;
        Ok((account, secret))
    };
    one_is_created(bench, wanted, Created::LoginTaken).await
}

pub(super) async fn of_many_that_sign_up_with_one_id_one_does(bench: &AccountBench<'_>) -> Verdict {
    let wanted = |round: u64, n: u64| {
        let account = account_of(user(&format!("{round}"))?, &format!("ann{round}-{n}"))?;
        let key = api_key(&account, format!("{round} {n}").as_bytes())?;
        Ok((account, key))
    };
    one_is_created(bench, wanted, Created::Collision).await
}

pub(super) async fn of_many_that_sign_up_with_one_credential_one_does(bench: &AccountBench<'_>) -> Verdict {
    let wanted = |round: u64, n: u64| {
        let id = PrincipalId::local_user(&format!("{round} {n}"))?;
        let account = Account { login: login(&format!("ann{round}-{n}"))?, ..account_of(id, "x")? };
        ensure(*account.id.realm() == Realm::LOCAL, "one realm, so one key")?;
        let key = api_key(&account, format!("{round}").as_bytes())?;
        Ok((account, key))
    };
    one_is_created(bench, wanted, Created::Collision).await
}

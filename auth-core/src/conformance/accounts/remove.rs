//! Removing an account.

use super::{
    AccountBench,
    sample::{
        account, account_of, api_key, create, expect_account, expect_credential, expect_keys,
        expect_no_account, expect_no_credential, password,
    },
};
use crate::conformance::{
    check::{Verdict, expect},
    sample::near_namesakes,
};

pub(super) async fn a_removed_account_takes_its_credentials_with_it(bench: &AccountBench<'_>) -> Verdict {
    let pair = &bench.store;
    let mut accounts = Vec::new();
    for (n, id) in (0..).zip(near_namesakes()?) {
        let account = account_of(id, &format!("user{n}"))?;
        let key = api_key(&account, &[n])?;
        create(pair, &account, &[password(&account)?, key.clone()]).await?;
        accounts.push((account, key));
    }
    let never = account("never")?;
    expect("removing what never was", pair.accounts.remove(&never.id).await?, false)?;
    while let Some((account, key)) = accounts.pop() {
        expect("removing", pair.accounts.remove(&account.id).await?, true)?;
        expect("removing again", pair.accounts.remove(&account.id).await?, false)?;
        expect_no_account(pair, &account.id).await?;
        expect("its login", pair.accounts.by_login(account.id.realm(), &account.login).await?, None)?;
        expect_no_credential(pair, &password(&account)?.key).await?;
        expect_no_credential(pair, &key.key).await?;
        expect_keys(pair, &account, &[]).await?;
        for (other, key) in &accounts {
            expect_account(pair, other).await?;
            expect_credential(pair, key, other).await?;
        }
    }
    Ok(())
}

pub(super) async fn a_removed_account_frees_its_login_and_its_keys(bench: &AccountBench<'_>) -> Verdict {
    let (pair, ann) = (&bench.store, account("ann")?);
    let credentials = [password(&ann)?, api_key(&ann, b"key")?];
    for _ in 0..3 {
        create(pair, &ann, &credentials).await?;
        expect_account(pair, &ann).await?;
        expect_keys(pair, &ann, &credentials.iter().collect::<Vec<_>>()).await?;
        expect("removing", pair.accounts.remove(&ann.id).await?, true)?;
    }
    let heir = account_of(crate::PrincipalId::local_user("heir")?, "ann")?;
    let key = api_key(&heir, b"key")?;
    create(pair, &heir, std::slice::from_ref(&key)).await?;
    expect_credential(pair, &key, &heir).await
}

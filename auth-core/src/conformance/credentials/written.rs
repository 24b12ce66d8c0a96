//! Writing and using up a credential.

use super::CredentialBench;
use crate::{
    CredentialRecord, Updated, Version,
    conformance::{
        accounts::sample::{
            account, api_key, create, expect_account, expect_credential, expect_keys, expect_no_credential,
            numbered, password,
        },
        check::{Verdict, expect},
        sample::at,
    },
};

/// A rehash: the account, its epoch and the failures stay as they are.
pub(super) async fn an_update_replaces_the_data_and_nothing_else(bench: &CredentialBench<'_>) -> Verdict {
    let (pair, ann) = (&bench.store, account("ann")?);
    let mut secret = CredentialRecord {
        failures: 3,
        last_used_at: Some(at(1)),
        expires_at: Some(at(2)),
        ..password(&ann)?
    };
    let other = api_key(&ann, b"key")?;
    create(pair, &ann, &[secret.clone(), other.clone()]).await?;
    for n in 1..4 {
        let updated = pair.credentials.update(&secret.key, secret.version, &numbered(n)?).await?;
        expect("updating", updated, Updated::Updated)?;
        secret = CredentialRecord { data: numbered(n)?, version: secret.version.next(), ..secret };
        expect_credential(pair, &secret, &ann).await?;
    }
    expect_credential(pair, &other, &ann).await?;
    expect_account(pair, &ann).await
}

pub(super) async fn an_update_of_another_version_is_a_conflict(bench: &CredentialBench<'_>) -> Verdict {
    let (pair, ann) = (&bench.store, account("ann")?);
    let secret = CredentialRecord { version: Version::new(5), ..password(&ann)? };
    create(pair, &ann, std::slice::from_ref(&secret)).await?;
    for version in [0, 1, 4, 6] {
        let updated = pair.credentials.update(&secret.key, Version::new(version), &numbered(9)?).await?;
        expect("updating another version", updated, Updated::Conflict)?;
        expect_credential(pair, &secret, &ann).await?;
    }
    Ok(())
}

pub(super) async fn an_update_of_no_credential_makes_none(bench: &CredentialBench<'_>) -> Verdict {
    let (pair, ann, bob) = (&bench.store, account("ann")?, account("bob")?);
    create(pair, &ann, &[]).await?;
    create(pair, &bob, &[password(&bob)?]).await?;
    expect("removing", pair.accounts.remove(&bob.id).await?, true)?;
    for key in [api_key(&ann, b"never")?.key, password(&bob)?.key] {
        let updated = pair.credentials.update(&key, Version::FIRST, &numbered(9)?).await?;
        expect("updating", updated, Updated::Gone)?;
        expect_no_credential(pair, &key).await?;
    }
    expect_keys(pair, &ann, &[]).await
}

/// A recovery code.
pub(super) async fn a_credential_is_consumed_once(bench: &CredentialBench<'_>) -> Verdict {
    let (pair, ann) = (&bench.store, account("ann")?);
    let (code, other) = (api_key(&ann, b"code")?, api_key(&ann, b"other")?);
    create(pair, &ann, &[code.clone(), other.clone()]).await?;
    expect("consuming", pair.credentials.consume(&code.key, code.version).await?, true)?;
    expect("consuming again", pair.credentials.consume(&code.key, code.version).await?, false)?;
    expect_no_credential(pair, &code.key).await?;
    expect_keys(pair, &ann, &[&other]).await?;
    expect_credential(pair, &other, &ann).await?;
    expect_account(pair, &ann).await?;
    let updated = pair.credentials.update(&code.key, code.version, &numbered(9)?).await?;
    expect("updating what was consumed", updated, Updated::Gone)?;
    expect_no_credential(pair, &code.key).await
}

pub(super) async fn a_credential_of_another_version_is_not_consumed(bench: &CredentialBench<'_>) -> Verdict {
    let (pair, ann) = (&bench.store, account("ann")?);
    let code = CredentialRecord { version: Version::new(5), ..api_key(&ann, b"code")? };
    create(pair, &ann, std::slice::from_ref(&code)).await?;
    for version in [0, 1, 4, 6] {
        let consumed = pair.credentials.consume(&code.key, Version::new(version)).await?;
        expect("consuming another version", consumed, false)?;
        expect_credential(pair, &code, &ann).await?;
    }
    let never = api_key(&ann, b"never")?;
    expect("consuming nothing", pair.credentials.consume(&never.key, never.version).await?, false)
}

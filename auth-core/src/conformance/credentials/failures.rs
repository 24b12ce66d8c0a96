//! Counting failures and noting success.

use super::CredentialBench;
use crate::{
    CredentialRecord, UnixTime, Version,
    conformance::{
        accounts::sample::{
            account, api_key, create, expect_account, expect_credential, expect_no_credential, password,
        },
        check::{Verdict, expect},
        sample::at,
    },
};

/// The version stays: a guess must not make the owner's rehash a conflict.
pub(super) async fn failures_are_counted_and_nothing_else(bench: &CredentialBench<'_>) -> Verdict {
    let (pair, ann) = (&bench.store, account("ann")?);
    let mut secret = CredentialRecord {
        version: Version::new(5),
        last_used_at: Some(at(1)),
        expires_at: Some(at(2)),
        ..password(&ann)?
    };
    let other = api_key(&ann, b"key")?;
    create(pair, &ann, &[secret.clone(), other.clone()]).await?;
    for n in 1..5 {
        expect("the new count", pair.credentials.count_failure(&secret.key).await?, Some(n))?;
        secret.failures = n;
        expect_credential(pair, &secret, &ann).await?;
    }
    expect_credential(pair, &other, &ann).await?;
    expect_account(pair, &ann).await
}

pub(super) async fn a_success_forgets_the_failures_and_notes_the_use(bench: &CredentialBench<'_>) -> Verdict {
    let (pair, ann) = (&bench.store, account("ann")?);
    let mut secret = CredentialRecord {
        version: Version::new(5),
        failures: 9,
        expires_at: Some(at(2)),
        ..password(&ann)?
    };
    let other = CredentialRecord { failures: 7, ..api_key(&ann, b"key")? };
    create(pair, &ann, &[secret.clone(), other.clone()]).await?;
    for now in [at(10), at(20), UnixTime::MAX] {
        let succeeded = pair.credentials.succeeded(&secret.key, secret.version, now).await?;
        expect("succeeding", succeeded, true)?;
        secret = CredentialRecord { failures: 0, last_used_at: Some(now), ..secret };
        expect_credential(pair, &secret, &ann).await?;
        expect("failing after that", pair.credentials.count_failure(&secret.key).await?, Some(1))?;
    }
    // By a server whose clock is behind.
    expect("succeeding", pair.credentials.succeeded(&secret.key, secret.version, at(15)).await?, true)?;
    expect_credential(pair, &secret, &ann).await?;
    expect_credential(pair, &other, &ann).await?;
    expect_account(pair, &ann).await
}

/// What was checked against data that has been replaced since did not succeed.
pub(super) async fn a_success_of_another_version_is_none(bench: &CredentialBench<'_>) -> Verdict {
    let (pair, ann) = (&bench.store, account("ann")?);
    let secret = CredentialRecord { version: Version::new(5), failures: 9, ..password(&ann)? };
    create(pair, &ann, std::slice::from_ref(&secret)).await?;
    for version in [0, 1, 4, 6] {
        let succeeded = pair.credentials.succeeded(&secret.key, Version::new(version), at(10)).await?;
        expect("succeeding with another version", succeeded, false)?;
        expect_credential(pair, &secret, &ann).await?;
    }
    Ok(())
}

pub(super) async fn nobody_fails_or_succeeds_without_a_credential(bench: &CredentialBench<'_>) -> Verdict {
    let (pair, ann) = (&bench.store, account("ann")?);
    create(pair, &ann, &[]).await?;
    let none = password(&ann)?;
    expect("failing", pair.credentials.count_failure(&none.key).await?, None)?;
    expect("succeeding", pair.credentials.succeeded(&none.key, none.version, at(1)).await?, false)?;
    expect_no_credential(pair, &none.key).await
}

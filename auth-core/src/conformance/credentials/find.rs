//! Finding a credential.

use super::CredentialBench;
use crate::{
    Account, AccountChange, AccountStatus, AuthEpoch, CredentialKey, CredentialKind, CredentialRecord,
    EpochBump, PrincipalId, PrincipalKind, Realm, UnixTime,
    conformance::{
        accounts::sample::{
            account, account_of, api_key, applied, create, expect_credential, expect_no_credential, numbered,
            password,
        },
        check::Verdict,
        sample::{near_namesakes, other_realm},
    },
};

pub(super) async fn a_credential_is_found_with_its_owners_status_and_epoch(
    bench: &CredentialBench<'_>,
) -> Verdict {
    let pair = &bench.store;
    let mut ann = account("ann")?;
    let bob = Account { status: AccountStatus::Disabled, epoch: AuthEpoch::new(7), ..account("bob")? };
    let hers = [password(&ann)?, api_key(&ann, b"hers")?];
    let his = api_key(&bob, b"his")?;
    create(pair, &ann, &hers).await?;
    create(pair, &bob, std::slice::from_ref(&his)).await?;
    expect_credential(pair, &his, &bob).await?;
    let disabled = [AccountChange::Status(AccountStatus::Disabled)];
    for (changes, epoch) in [(&[][..], EpochBump::Bump), (&disabled, EpochBump::Keep), (&[], EpochBump::Bump)]
    {
        ann = applied(pair.accounts.apply(&ann.id, ann.version, changes, epoch).await?)?;
        for credential in &hers {
            expect_credential(pair, credential, &ann).await?;
        }
    }
    expect_credential(pair, &his, &bob).await
}

/// A user's password must not be found as a device's, nor an API key as a session's.
pub(super) async fn a_credential_is_found_by_its_whole_key_only(bench: &CredentialBench<'_>) -> Verdict {
    let pair = &bench.store;
    let keys = |realm: Realm| {
        ["api-key", "passkey"].map(|kind| CredentialKey {
            realm: realm.clone(),
            kind: CredentialKind::from_static(kind),
            lookup: (*b"1").into(),
        })
    };
    let mut credentials = Vec::new();
    for (n, realm) in (0..).zip([Realm::LOCAL, other_realm()?, Realm::local("other")?]) {
        let id = PrincipalId::new(realm.clone(), PrincipalKind::User, "owner")?;
        let owner = account_of(id, &format!("user{n}"))?;
        let base = CredentialRecord { data: numbered(n)?, ..password(&owner)? };
        let own = keys(realm).map(|key| CredentialRecord { key, ..base.clone() });
        for credential in &own {
            expect_no_credential(pair, &credential.key).await?;
        }
        create(pair, &owner, &own).await?;
        credentials.extend(own.into_iter().map(|credential| (credential, owner.clone())));
    }
    for (credential, owner) in &credentials {
        expect_credential(pair, credential, owner).await?;
    }
    for (n, id) in near_namesakes()?.into_iter().enumerate() {
        let owner = account_of(id, &format!("namesake{n}"))?;
        expect_no_credential(pair, &password(&owner)?.key).await?;
        create(pair, &owner, &[password(&owner)?]).await?;
        expect_credential(pair, &password(&owner)?, &owner).await?;
    }
    Ok(())
}

/// Whether it may be used is the caller's to decide, who then says what it found.
pub(super) async fn a_credential_that_expired_is_still_found(bench: &CredentialBench<'_>) -> Verdict {
    let (pair, ann) = (&bench.store, account("ann")?);
    let expired = CredentialRecord { expires_at: Some(UnixTime::EPOCH), ..api_key(&ann, b"key")? };
    create(pair, &ann, std::slice::from_ref(&expired)).await?;
    expect_credential(pair, &expired, &ann).await
}

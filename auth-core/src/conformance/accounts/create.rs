//! Adding an account.

use super::{
    AccountBench,
    sample::{
        account, account_of, api_key, blob, create, expect_account, expect_credential, expect_keys,
        expect_no_account, expect_no_credential, login, password,
    },
};
use crate::{
    Account, AccountStatus, AuthEpoch, Created, CredentialBlob, CredentialKey, CredentialKind,
    CredentialRecord, LoginName, PrincipalId, PrincipalKind, Realm, UnixTime, Version,
    conformance::{
        check::{Verdict, ensure, expect},
        sample::{LOOK_ALIKES, at, bytes, long_id, long_realm, near_namesakes, other_realm},
    },
};

/// The largest number that a version or an epoch may have to have: what a signed 64-bit column holds.
const LARGE: u64 = i64::MAX as u64;

pub(super) async fn every_field_of_an_account_is_kept_exactly(bench: &AccountBench<'_>) -> Verdict {
    let pair = &bench.store;
    let id = PrincipalId::new(long_realm()?, PrincipalKind::Device, &long_id())?;
    let large = Account {
        id,
        login: login(&"~".repeat(LoginName::MAX_LEN))?,
        status: AccountStatus::Disabled,
        epoch: AuthEpoch::new(LARGE),
        version: Version::new(LARGE),
        sweep_pending: true,
        created_at: UnixTime::MAX,
    };
    let small = Account { created_at: UnixTime::EPOCH, ..account("a")? };
    let odd = account_of(PrincipalId::local_user("'; DROP TABLE accounts")?, "%_'\"\\@example.com")?;
    for account in [&large, &small, &odd] {
        create(pair, account, &[]).await?;
    }
    for account in [&large, &small, &odd] {
        expect_account(pair, account).await?;
        expect_keys(pair, account, &[]).await?;
    }
    expect("an unknown login", pair.accounts.by_login(&Realm::LOCAL, &login("b")?).await?, None)?;
    expect_no_account(pair, &PrincipalId::local_user("b")?).await
}

pub(super) async fn every_field_of_a_credential_is_kept_exactly(bench: &AccountBench<'_>) -> Verdict {
    let (pair, ann) = (&bench.store, account("ann")?);
    let key = |kind: &str, lookup: &[u8]| -> Result<_, crate::conformance::check::Wrong> {
        Ok(CredentialKey { realm: Realm::LOCAL, kind: CredentialKind::parse(kind)?, lookup: lookup.into() })
    };
    let large = CredentialRecord {
        key: key(&"k".repeat(CredentialKind::MAX_LEN), &bytes(CredentialKey::MAX_LOOKUP))?,
        owner: ann.id.clone(),
        data: blob(&bytes(CredentialBlob::MAX_LEN))?,
        version: Version::new(LARGE),
        failures: i32::MAX.unsigned_abs(),
        created_at: UnixTime::MAX,
        last_used_at: Some(UnixTime::MAX),
        expires_at: Some(UnixTime::MAX),
    };
    let mut credentials = vec![large, password(&ann)?];
    // Lookups that text columns, and keys that end at a zero, take for one.
    let lookups: [&[u8]; 9] = [b"a", b"A", b"a ", b"a\0", b"\0", b"\0\0", b"\xff\xfe", b"%", b"caf\xc3\xa9"];
    for (n, lookup) in (0_u8..).zip(lookups) {
        let key = key("api-key", lookup)?;
        credentials.push(CredentialRecord::new(key, ann.id.clone(), blob(&[n])?, UnixTime::EPOCH));
    }
    let key = key("other", b"a")?;
    credentials.push(CredentialRecord {
        expires_at: Some(at(1)),
        ..CredentialRecord::new(key, ann.id.clone(), blob(b"")?, at(5))
    });
    create(pair, &ann, &credentials).await?;
    for credential in &credentials {
        expect_credential(pair, credential, &ann).await?;
    }
    expect_keys(pair, &ann, &credentials.iter().collect::<Vec<_>>()).await
}

/// Whoever signs up with a login that is taken must not get into the other account.
pub(super) async fn a_login_belongs_to_one_account_of_its_realm(bench: &AccountBench<'_>) -> Verdict {
    let (pair, ann) = (&bench.store, account("ann")?);
    create(pair, &ann, &[password(&ann)?]).await?;
    let user = account_of(PrincipalId::local_user("other")?, "ann")?;
    let service = account_of(PrincipalId::new(Realm::LOCAL, PrincipalKind::Service, "robot")?, "ann")?;
    for other in [user, service] {
        let secret = password(&other)?;
        let created = pair.accounts.create(&other, std::slice::from_ref(&secret)).await?;
        expect("creating with a login that is taken", created, Created::LoginTaken)?;
        expect_no_account(pair, &other.id).await?;
        expect_no_credential(pair, &secret.key).await?;
    }
    expect_account(pair, &ann).await?;
    expect_credential(pair, &password(&ann)?, &ann).await
}

pub(super) async fn a_login_belongs_to_one_account_in_each_realm(bench: &AccountBench<'_>) -> Verdict {
    let pair = &bench.store;
    let ids = [Realm::LOCAL, other_realm()?, Realm::local("other")?, long_realm()?]
        .map(|realm| PrincipalId::new(realm, PrincipalKind::User, "1"));
    for id in ids.clone() {
        let account = account_of(id?, "ann")?;
        create(pair, &account, &[password(&account)?]).await?;
    }
    for id in ids {
        let account = account_of(id?, "ann")?;
        expect_account(pair, &account).await?;
        expect_credential(pair, &password(&account)?, &account).await?;
    }
    let nowhere = pair.accounts.by_login(&Realm::local("nowhere")?, &login("ann")?).await?;
    expect("the login in a realm without accounts", nowhere, None)
}

pub(super) async fn an_id_belongs_to_one_account(bench: &AccountBench<'_>) -> Verdict {
    let (pair, ann) = (&bench.store, account("ann")?);
    create(pair, &ann, &[]).await?;
    let again = account_of(ann.id.clone(), "ann2")?;
    let key = api_key(&again, b"key")?;
    let created = pair.accounts.create(&again, std::slice::from_ref(&key)).await?;
    expect("creating with an id that exists", created, Created::Collision)?;
    expect_account(pair, &ann).await?;
    expect("the other login", pair.accounts.by_login(&Realm::LOCAL, &again.login).await?, None)?;
    expect_no_credential(pair, &key.key).await?;
    // A double click: both are true, and either may be answered.
    let created = pair.accounts.create(&ann, &[]).await?;
    ensure(created != Created::Created, "an account is created once")
}

pub(super) async fn ids_that_look_alike_are_kept_apart(bench: &AccountBench<'_>) -> Verdict {
    let pair = &bench.store;
    let mut accounts = Vec::new();
    for (n, id) in (0..).zip(LOOK_ALIKES) {
        accounts.push(account_of(PrincipalId::local_user(id)?, &format!("user{n}"))?);
    }
    for (n, id) in (100..).zip(near_namesakes()?.into_iter().skip(1)) {
        accounts.push(account_of(id, &format!("user{n}"))?);
    }
    for account in &accounts {
        create(pair, account, &[password(account)?]).await?;
    }
    for account in &accounts {
        expect_account(pair, account).await?;
        expect_keys(pair, account, &[&password(account)?]).await?;
    }
    Ok(())
}

pub(super) async fn a_credential_key_exists_once(bench: &AccountBench<'_>) -> Verdict {
    let (pair, ann, bob) = (&bench.store, account("ann")?, account("bob")?);
    let hers = api_key(&ann, b"key")?;
    create(pair, &ann, std::slice::from_ref(&hers)).await?;
    let his = [api_key(&bob, b"first")?, api_key(&bob, b"key")?];
    expect("creating with a key that exists", pair.accounts.create(&bob, &his).await?, Created::Collision)?;
    expect_no_account(pair, &bob.id).await?;
    for credential in his.iter().take(1) {
        expect_no_credential(pair, &credential.key).await?;
    }
    expect_keys(pair, &bob, &[]).await?;
    expect_credential(pair, &hers, &ann).await
}

/// What was refused can be done once the obstacle is gone: no row of it lies in the way.
pub(super) async fn what_is_refused_leaves_nothing_behind(bench: &AccountBench<'_>) -> Verdict {
    let (pair, ann, bob) = (&bench.store, account("ann")?, account("bob")?);
    let hers = api_key(&ann, b"key")?;
    create(pair, &ann, std::slice::from_ref(&hers)).await?;
    let his = [password(&bob)?, api_key(&bob, b"key")?, api_key(&bob, b"last")?];
    expect("creating with a key that exists", pair.accounts.create(&bob, &his).await?, Created::Collision)?;
    let taken = account_of(bob.id.clone(), "ann")?;
    expect("creating with her login", pair.accounts.create(&taken, &his[..1]).await?, Created::LoginTaken)?;
    expect("removing her account", pair.accounts.remove(&ann.id).await?, true)?;
    create(pair, &bob, &his).await?;
    for credential in &his {
        expect_credential(pair, credential, &bob).await?;
    }
    expect_account(pair, &bob).await
}

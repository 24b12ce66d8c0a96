//! Codes and keys: `credentials/<case>`. Every answer is asserted.

use std::{hint::black_box, net::IpAddr, sync::Arc, time::Duration};

use auth_core::{
    Authenticator, CredentialKey, CredentialKind, CredentialStore, DiscardAudit, LoginGate, MemoryAccounts,
    MemoryCounters, Realm, Scopes, SystemClock, SystemEntropy, UnixTime, testing::block_on,
};
use auth_credentials::{
    AccountStores, Accounts, ApiKeyCredential, ApiKeyPrefix, ApiKeyTerms, ApiKeys, Argon2Params, HashPool,
    HashPoolSize, OneFactor, OtpAlgorithm, OtpDevice, OtpDigits, OtpKey, OtpVerdict, PasswordAuthenticator,
    PasswordHasher, PasswordPolicy, Throttle,
};
use criterion::{Criterion, criterion_group, criterion_main};

/// A code judged over three steps, right and wrong, by each hash function.
fn one_time_codes(criterion: &mut Criterion) {
    let now = UnixTime::from_secs(1_800_000_000);
    for algorithm in [OtpAlgorithm::Sha1, OtpAlgorithm::Sha256, OtpAlgorithm::Sha512] {
        let key = OtpKey::generate(algorithm, OtpDigits::Six, &SystemEntropy).unwrap();
        let device = OtpDevice::totp(key);
        let code = device.code_now(now).unwrap();
        criterion.bench_function(&format!("credentials/totp-{}", algorithm.as_str()), |bencher| {
            bencher.iter(|| {
                let verdict = device.judge(black_box(&code), Some(1), now);
                assert!(matches!(verdict, OtpVerdict::Accepted { .. }));
            });
        });
    }
}

/// A key checked: all of it, on the memory store, and what is not the store's.
fn api_keys(criterion: &mut Criterion) {
    let entropy = Arc::new(SystemEntropy);
    let hasher = PasswordHasher::new(Argon2Params::OWASP, entropy.clone()).unwrap();
    let pool = HashPool::start(hasher, HashPoolSize::default()).unwrap();
    let store = Arc::new(MemoryAccounts::new(1_000));
    let stores = AccountStores::new(store.clone());
    let counters = Arc::new(MemoryCounters::new(1_000));
    let (throttle, audit) = (Throttle::login(counters.clone()), Arc::new(DiscardAudit));
    let passwords = PasswordAuthenticator::new(stores, pool, throttle, audit, Arc::new(SystemClock));
    let gate = LoginGate::new(Arc::new(OneFactor::password()));
    let policy = PasswordPolicy::single_factor();
    let accounts = Accounts::new(passwords, gate, policy, counters.clone(), entropy);
    let prefix = ApiKeyPrefix::parse("acme").unwrap();
    let keys = ApiKeys::new(accounts, prefix.clone(), counters);
    let service = block_on(keys.create_service("bench")).unwrap();
    let scopes = Scopes::parse("notes.read notes.write").unwrap();
    let terms = ApiKeyTerms::new("bench", scopes, Duration::from_secs(86_400)).unwrap();
    let new = block_on(keys.create_for(&service, &terms)).unwrap();
    let key = &new.key;
    let source: IpAddr = "203.0.113.9".parse().unwrap();

    criterion.bench_function("credentials/api-key-read", |bencher| {
        bencher.iter(|| assert!(prefix.read(black_box(key.expose())).is_ok()));
    });
    let mut wrong = key.expose().to_vec();
    let last = wrong.last_mut().unwrap();
    *last = if *last == b'0' { b'1' } else { b'0' };
    criterion.bench_function("credentials/api-key-wrong-checksum", |bencher| {
        bencher.iter(|| assert!(prefix.read(black_box(&wrong)).is_err()));
    });
    let row = CredentialKey {
        realm: Realm::LOCAL,
        kind: CredentialKind::API_KEY,
        lookup: Box::from(new.id.as_str().as_bytes()),
    };
    criterion.bench_function("credentials/api-key-row", |bencher| {
        bencher.iter(|| assert!(block_on(store.find(black_box(&row))).unwrap().is_some()));
    });
    criterion.bench_function("credentials/api-key-check", |bencher| {
        bencher.iter(|| {
            let credential = ApiKeyCredential::new(black_box(key.expose()), Some(source));
            let who = block_on(keys.authenticate(credential)).unwrap();
            assert_eq!(who.principal(), &service);
        });
    });
}

criterion_group!(benches, one_time_codes, api_keys);
criterion_main!(benches);

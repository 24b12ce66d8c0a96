//! Codes and keys: `credentials/<case>`. Every answer is asserted.

use std::{hint::black_box, net::IpAddr, sync::Arc, time::Duration};

use auth_core::{
    Authenticator, CredentialKey, CredentialKind, CredentialStore, DiscardAudit, LoginGate, MemoryAccounts,
    MemoryCounters, Realm, Scopes, SystemClock, SystemEntropy, UnixTime, testing::block_on,
};
use auth_credentials::{
    AccountStores, Accounts, ApiKeyCredential, ApiKeyPrefix, ApiKeyTerms, ApiKeys, Argon2Params, HashPool,
    HashPoolSize, OneFactor, OtpAlgorithm, OtpDevice, OtpDigits, OtpKey, OtpVerdict, Password,
    PasswordAuthenticator, PasswordHasher, PasswordPolicy, Throttle,
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

/// A hash at the OWASP settings, in memory that is kept as a worker of the pool keeps it.
fn argon2id(criterion: &mut Criterion) {
    let hasher = PasswordHasher::new(Argon2Params::OWASP, Arc::new(SystemEntropy)).unwrap();
    let (password, mut memory) = (Password::new(PASSWORD.to_owned()), hasher.memory().unwrap());
    criterion.bench_function("credentials/argon2id", |bencher| {
        bencher.iter(|| hasher.hash(black_box(&password), &mut memory).unwrap());
    });
    #[cfg(feature = "peers")]
    reference::by_turns(&hasher, &password, &mut memory);
}

const PASSWORD: &str = "velvet otters at dawn";

/// The `argon2` program of Argon2's authors, as Debian has it.
#[cfg(feature = "peers")]
mod reference {
    use std::{
        fs,
        io::Write,
        process::{Command, Stdio},
        time::Duration,
    };

    use auth_credentials::{HashMemory, Password, PasswordHash, PasswordHasher, PasswordMatch};

    const ROUNDS: usize = 51;
    /// Ours in one turn, for the clock that counts them is coarse.
    const HASHES: u32 = 4;

    /// Ours and theirs by turns, each by the processor time of the hash alone: that is what the program prints, without
    /// its start and with the memory that it takes for each hash, and it does not matter who else is on the machine.
    pub(super) fn by_turns(hasher: &PasswordHasher, password: &Password, memory: &mut HashMemory) {
        let rounds = if auth_benches::is_measuring() { ROUNDS } else { 1 };
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            let (stored, time) = reference();
            assert_eq!(
                hasher.verify(password, &stored, memory),
                Ok(PasswordMatch::Match),
                "the same function"
            );
            theirs.push(time);
            let start = on_processor();
            for _ in 0..HASHES {
                hasher.hash(password, memory).unwrap();
            }
            ours.push((on_processor() - start) / HASHES);
        }
        for times in [&mut ours, &mut theirs] {
            times.sort();
        }
        let (ours, theirs) = (ours[rounds / 2], theirs[rounds / 2]);
        println!(
            "credentials/argon2id-reference: {:.2} x its time ({ours:.1?} and {theirs:.1?}, medians of {rounds})",
            ours.as_secs_f64() / theirs.as_secs_f64(),
        );
    }

    /// A hash of the program, and how long it says that it took: `0.025 seconds`.
    fn reference() -> (PasswordHash, Duration) {
        let mut child = Command::new("argon2")
            .args(["somesaltsomesalt", "-id", "-t", "2", "-k", "19456", "-p", "1", "-l", "32"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the package `argon2` is installed");
        child.stdin.take().unwrap().write_all(super::PASSWORD.as_bytes()).unwrap();
        let printed = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
        let line = |find: fn(&&str) -> bool| printed.lines().find(find).expect("it is printed");
        let encoded = line(|line| line.starts_with("Encoded:")).rsplit(char::is_whitespace).next().unwrap();
        let seconds = line(|line| line.ends_with(" seconds")).trim_end_matches(" seconds").parse().unwrap();
        (PasswordHash::parse(encoded).unwrap(), Duration::from_secs_f64(seconds))
    }

    /// How long this thread has been on a processor.
    fn on_processor() -> Duration {
        // Giving the processor up brings the count up to date.
        std::thread::yield_now();
        let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
        Duration::from_nanos(text.split(' ').next().unwrap().parse().unwrap())
    }
}

criterion_group!(benches, one_time_codes, api_keys, argon2id);
criterion_main!(benches);

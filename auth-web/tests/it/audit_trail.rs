//! The audit log as `tracing` events: what is in it, at which level, and what is not in it at any.

use std::{
    cell::RefCell,
    io,
    sync::{Arc, Mutex, Once},
};

use auth_web::{
    core::{
        AccountStore, AuditEvent, AuditSink, AuthEpoch, Authenticated, CounterStore, CredentialKey,
        CredentialKind, CredentialStore, LoginGate, LoginName, LoginOutcome, MemoryAccounts, MemoryCounters,
        Realm, SecretHash, SessionId, SystemEntropy, TracingAudit, UnixTime,
    },
    credentials::{
        AccountStores, Accounts, HashPool, HashPoolSize, OneFactor, PasswordAuthenticator,
        PasswordCredential, PasswordHasher, PasswordPolicy, Throttle, danger,
    },
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use tracing::Level;

use crate::app::{Fixture, ann, fixture};

/// Everything that this thread says at any level.
#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

thread_local! {
    static HERE: RefCell<Option<Captured>> = const { RefCell::new(None) };
}

/// Writes to what the thread captures, if it does.
struct Here;

impl io::Write for Here {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        HERE.with_borrow(|here| match here {
            Some(captured) => captured.0.lock().unwrap().write(bytes),
            None => Ok(bytes.len()),
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Captured {
    fn from_now_on() -> Self {
        // One for all threads: whether an event is wanted is remembered for the process, and a thread without a
        // subscriber of its own could make it "no" while another one listens.
        static ONCE: Once = Once::new();
        ONCE.call_once(|| {
            let subscriber = tracing_subscriber::fmt()
                .with_max_level(Level::TRACE)
                .with_ansi(false)
                .without_time()
                .with_writer(|| Here)
                .finish();
            tracing::subscriber::set_global_default(subscriber).unwrap();
        });
        let captured = Self::default();
        HERE.set(Some(captured.clone()));
        captured
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// The lines that tell an event of this name.
    fn lines(&self, name: &str) -> Vec<String> {
        let named = format!("name=\"{name}\"");
        self.text().lines().filter(|line| line.contains(&named)).map(str::to_owned).collect()
    }
}

/// Whoever is woken by warnings hears of what should not happen in a quiet system, and of nothing else.
#[test]
fn events_have_the_documented_levels() {
    let captured = Captured::from_now_on();
    let at = UnixTime::from_secs(1_000);
    let record = |event| TracingAudit.record(at, &event);
    let session = SessionId::from_bytes([7; 24]);
    record(AuditEvent::Overloaded { what: "hash pool" });
    record(AuditEvent::StoreFull { store: "sessions" });
    record(AuditEvent::SessionReplayed { session, principal: Some(ann()) });
    record(AuditEvent::SessionReissued { session });
    record(AuditEvent::EventsSuppressed { event: "cross-site.refused", count: 3 });
    record(AuditEvent::AccountCreated { principal: ann() });
    record(AuditEvent::PeerUnknown);
    for (name, level) in [
        ("overloaded", "WARN"),
        ("store.full", "WARN"),
        ("session.replayed", "WARN"),
        ("session.reissued", "INFO"),
        ("audit.suppressed", "WARN"),
        ("account.created", "INFO"),
        ("peer.unknown", "INFO"),
    ] {
        let lines = captured.lines(name);
        assert_eq!(lines.len(), 1, "{name}");
        assert!(lines[0].trim_start().starts_with(&format!("{level} auth: at=1000 ")), "{}", lines[0]);
    }
}

const PASSWORD: &str = "velvet otters at dawn";
const NEXT: &str = "granite kites by noon";
const WRONG: &str = "a wrong sentence of mine";
const TYPED: &str = "ann.typed.this@example.com";

/// Signs up, fails, logs in and changes the password. Answers what was stored of both passwords.
async fn passwords(fixture: &Fixture) -> Vec<String> {
    let store = Arc::new(MemoryAccounts::new(10));
    let counters: Arc<dyn CounterStore> = Arc::new(MemoryCounters::new(100));
    let hasher =
        PasswordHasher::new(danger::allow_weak_params(8, 1, 1).unwrap(), Arc::new(SystemEntropy)).unwrap();
    let authenticator = PasswordAuthenticator::new(
        AccountStores::new(Arc::clone(&store)),
        HashPool::start(hasher, HashPoolSize::default()).unwrap(),
        Throttle::login(Arc::clone(&counters)),
        Arc::new(TracingAudit),
        Arc::new(fixture.clock.clone()),
    );
    let gate = LoginGate::new(Arc::new(OneFactor::password()));
    let entropy = Arc::new(SystemEntropy);
    let accounts = Accounts::new(authenticator, gate, PasswordPolicy::single_factor(), counters, entropy);
    let typed = |login: &str, password: &str| PasswordCredential::typed(login, password.to_owned(), None);
    let stored = async || {
        let login = LoginName::canonical(TYPED).unwrap();
        let account = store.by_login(&Realm::LOCAL, &login).await.unwrap().unwrap();
        let key = CredentialKey::only(&account.id, CredentialKind::PASSWORD);
        let data = store.find(&key).await.unwrap().unwrap().credential.data;
        String::from_utf8(data.expose().to_vec()).unwrap()
    };

    accounts.sign_up(typed(TYPED, PASSWORD)).await.unwrap();
    let first = stored().await;
    // People type passwords where the name belongs.
    for (login, password) in [(TYPED, WRONG), (WRONG, PASSWORD)] {
        assert!(accounts.log_in(typed(login, password)).await.is_err());
    }
    let LoginOutcome::Complete(login) = accounts.log_in(typed(TYPED, PASSWORD)).await.unwrap() else {
        panic!("one factor is enough");
    };
    let request = Authenticated::assertion(login.into_authentication());
    let change = accounts.change_password(&request, PASSWORD.to_owned().into(), NEXT.to_owned().into(), None);
    assert_eq!(change.await.unwrap().epoch(), AuthEpoch::new(1));
    [first, stored().await].iter().flat_map(|phc| phc.rsplit('$').take(2)).map(str::to_owned).collect()
}

/// Whoever reads the log cannot log in by it, at whatever level it is kept.
#[tokio::test]
async fn no_secret_is_in_the_log_over_logins_refusals_and_rotations() {
    let captured = Captured::from_now_on();
    let fixture = fixture();
    let mut secrets = passwords(&fixture).await;
    secrets.extend([PASSWORD, NEXT, WRONG, TYPED].map(str::to_owned));

    let first = fixture.log_in().await;
    fixture.step(24 * 3_600 + 1);
    let second = fixture.get("/user", &[("cookie", &first)]).await.cookie();
    assert_eq!(fixture.get("/user", &[("cookie", &second)]).await.body, "ann");
    fixture.step(31);
    assert_eq!(fixture.get("/maybe", &[("cookie", &first)]).await.body, "nobody");
    for cookie in [&first, &second] {
        let secret = cookie.rsplit('.').next().unwrap();
        let hash = SecretHash::of(secret.as_bytes());
        let raw = URL_SAFE_NO_PAD.decode(secret).unwrap();
        for hash in [hash, SecretHash::of(&raw)] {
            let bytes = hash.as_bytes();
            secrets.push(bytes.iter().map(|byte| format!("{byte:02x}")).collect());
            secrets.push(URL_SAFE_NO_PAD.encode(bytes));
            secrets.push(format!("{bytes:?}"));
        }
        secrets.push(secret.to_owned());
    }

    let token = fixture.token(None);
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let forged = format!("{signed}.{}", "A".repeat(43));
    assert_eq!(fixture.get("/user", &[("authorization", &forged)]).await.status, 401);
    secrets.extend([signature, signed.rsplit('.').next().unwrap()].map(str::to_owned));

    for name in [
        "account.created",
        "factor.passed",
        "login",
        "credential.refused",
        "credential.changed",
        "session.started",
        "session.replayed",
        "token.issued",
    ] {
        assert!(!captured.lines(name).is_empty(), "{name}");
    }
    let text = captured.text();
    for secret in &secrets {
        assert!(secret.len() > 8 && !text.contains(secret), "{secret}");
    }
}

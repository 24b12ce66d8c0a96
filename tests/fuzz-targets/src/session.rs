//! Sessions: the `Cookie` header, sealed cookies, and files.

use std::{
    fs,
    path::Path,
    sync::{Arc, LazyLock},
};

use auth_core::{
    Binding, DiscardAudit, KeyName, KeyRing, Purpose, Secret, SessionId, SessionStore, StoreError,
    SystemEntropy, UnixTime, testing::block_on,
};
use auth_session::{
    CookieName, CookiePolicy, CookieSessionPolicy, CookieSessions, EpochCheck, FileOptions, FileSessions,
    Incoming, SessionCookie,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

/// The values of all `Cookie` lines of a request, one for each line of the input.
pub fn cookie(bytes: &[u8]) {
    let lines = || bytes.split(|byte| *byte == b'\n');
    let found = CookieName::SESSION.find_in(lines());
    let read = Incoming::read(&CookieName::SESSION, lines());
    assert_eq!(found.is_err(), read.is_err(), "one answer to what is malformed");
    let Ok(Some(value)) = found else { return };
    assert!(read.unwrap().is_something());
    assert!(value.is_empty() || lines().any(|line| line.windows(value.len()).any(|part| part == value)));
    // What was found is found again when it is all there is.
    let alone = [CookieName::SESSION.as_str().as_bytes(), b"=", value].concat();
    assert_eq!(CookieName::SESSION.find_in([&alone[..]]), Ok(Some(value)));
    if SessionCookie::parse(value).is_some() {
        assert_eq!(value.len(), SessionCookie::TEXT_LEN);
        assert!(value.get(..SessionId::TEXT_LEN).and_then(SessionId::parse).is_some());
    }
}

static KEYS: LazyLock<Arc<KeyRing>> = LazyLock::new(|| {
    let secret = Secret::new((1..=32).collect());
    Arc::new(KeyRing::new(KeyName::from_static("fuzz"), secret).unwrap())
});

static SESSIONS: LazyLock<CookieSessions> = LazyLock::new(|| {
    let policy = CookieSessionPolicy::aal1(CookiePolicy::default());
    let epochs = EpochCheck::by_session_store_only();
    CookieSessions::new(Arc::clone(&KEYS), epochs, Arc::new(DiscardAudit), policy)
});

/// A cookie that is the session: as it comes, and sealed under the right key, so that the fuzzer gets behind the seal.
pub fn cookie_seal(bytes: &[u8]) {
    let open = |value: &[u8]| {
        let line = [CookieName::SESSION.as_str().as_bytes(), b"=", value].concat();
        let Ok(cookie) = SESSIONS.read([&line[..]]) else { return None };
        let session = block_on(SESSIONS.open(&cookie)).unwrap();
        assert!(session.authenticated().is_none() || session.id().is_some());
        Some(session)
    };
    if let Some(session) = open(bytes) {
        assert!(session.authenticated().is_none(), "forged");
    }
    let name = CookieName::SESSION;
    let binding = Binding { account: None, row: name.as_str().as_bytes() };
    let sealed = KEYS.seal(Purpose::new("cookie-session"), binding, bytes, &SystemEntropy).unwrap();
    let Some(session) = open(URL_SAFE_NO_PAD.encode(sealed).as_bytes()) else { return };
    let (id, data) = (session.id(), format!("{session:?}"));
    // What is written again is read the same.
    if let Ok(Some(cookie)) = session.commit()
        && !cookie.clears()
    {
        let pair = cookie.expose().split(';').next().unwrap();
        let value = pair.split_once('=').unwrap().1;
        let again = open(value.as_bytes()).unwrap();
        assert_eq!((again.id(), format!("{again:?}")), (id, data));
    }
}

struct Files {
    folder: TempDir,
    store: FileSessions,
}

impl Files {
    fn new() -> Self {
        // In memory where that can be had: it is written to a million times.
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() }.unwrap();
        let store = FileSessions::open(folder.path().join("sessions"), FileOptions::default()).unwrap();
        Self { folder, store }
    }
}

thread_local! {
    /// Goes with its thread, and the folder with it.
    static FILES: Files = Files::new();
}

const ID: [u8; 24] = [0x33; 24];

/// A file of a store: as it is, and with its first line and the digest before it.
pub fn file_record(bytes: &[u8]) {
    FILES.with(|files| read_file(files, bytes));
}

fn read_file(files: &Files, bytes: &[u8]) {
    let name: String = ID.iter().map(|byte| format!("{byte:02x}")).collect();
    let path = files.folder.path().join("sessions").join("3").join(format!("s{name}"));
    let id = SessionId::from_bytes(ID);
    let digest: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    let whole = [b"auth-session 1\n", digest.as_bytes(), b"\n", bytes].concat();
    for content in [bytes, &whole] {
        fs::write(&path, content).unwrap();
        match block_on(files.store.load(&id, UnixTime::EPOCH)) {
            Ok(Some(record)) => {
                assert_eq!(record.id, id);
                // What is written again is read the same.
                let idle_until = record.absolute_until;
                assert!(block_on(files.store.touch(&id, idle_until, UnixTime::EPOCH)).unwrap());
                let again = block_on(files.store.load(&id, UnixTime::EPOCH)).unwrap().unwrap();
                assert_eq!(
                    (again.data, again.secret, again.terms),
                    (record.data, record.secret, record.terms)
                );
                assert_eq!(again.authentication, record.authentication);
            }
            Ok(None) | Err(StoreError::Corrupt(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

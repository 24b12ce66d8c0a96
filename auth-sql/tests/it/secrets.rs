//! What a copy of the database gives away.

use auth_core::{
    AccountStore, CredentialBlob, SecretHash, SecretState, SessionSecret, SessionStore, SystemEntropy,
    TokenStore,
};

use crate::support::{Folder, NOW, account, ann, password, session, token};

/// A backup or a leaked file must open no session and use no token.
#[tokio::test]
async fn the_files_hold_no_bearer_secret() {
    let folder = Folder::new();
    let database = folder.open().await;
    let (first, second) = (secret(), secret());
    let mut record = session(&ann(), 0);
    record.secret = SecretState::first(first.hash(), NOW);
    let _ = database.sessions().insert(&record, None, NOW).await.unwrap();
    let rotated = record.secret.rotated(second.hash(), NOW);
    let _ = database.sessions().rotate(&record.id, record.version, &rotated).await.unwrap();
    let link = secret();
    let _ = database.tokens().put(&token(link.expose().as_bytes(), "ann"), NOW).await.unwrap();
    let mut credential = password(&ann());
    credential.data = CredentialBlob::new(SecretHash::of(b"correct horse").as_bytes()).unwrap();
    let _ = database.accounts().create(&account(&ann()), &[credential]).await.unwrap();

    let bytes: Vec<u8> = std::fs::read_dir(folder.path())
        .unwrap()
        .flat_map(|file| std::fs::read(file.unwrap().path()).unwrap())
        .collect();
    assert!(contains(&bytes, second.hash().as_bytes()), "the search finds what is there");
    for secret in [&first, &second, &link] {
        let text = secret.expose();
        assert!(!contains(&bytes, text.as_bytes()));
        assert!(!contains(&bytes, &raw(&text)));
    }
    let cookie = format!("{}.{}", record.id, *second.expose());
    assert!(!contains(&bytes, cookie.as_bytes()));
    assert!(!contains(&bytes, b"correct horse"));
}

/// What is printed of a handle or of an error has nothing of a row.
#[tokio::test]
async fn nothing_that_is_printed_has_a_row_in_it() {
    let folder = Folder::new();
    let database = folder.open().await;
    let accounts = database.accounts();
    let printed = format!("{database:?} {accounts:?}");
    assert!(printed.contains("auth.db"), "{printed}");
    let _ = accounts.create(&account(&ann()), &[]).await.unwrap();
    folder
        .run("CREATE TRIGGER auth_refuse BEFORE DELETE ON auth_accounts BEGIN SELECT RAISE(ABORT, 'no'); END")
        .await;
    let error = accounts.remove(&ann()).await.unwrap_err();
    let printed = format!("{error} {error:?}");
    assert!(!printed.contains("ann"), "{printed}");
}

fn secret() -> SessionSecret {
    SessionSecret::generate(&SystemEntropy).unwrap()
}

/// The 32 bytes behind the text, found by their hash alone: base64url decoded by hand.
fn raw(text: &str) -> Vec<u8> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0_u32, 0);
    for byte in text.bytes() {
        let value = ALPHABET.iter().position(|letter| *letter == byte).unwrap();
        bits = (bits << 6) | u32::try_from(value).unwrap();
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
            bits &= (1 << count) - 1;
        }
    }
    assert_eq!(bytes.len(), 32);
    bytes
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

//! Tokens to check with.

use crate::{
    Purpose, Put, Realm, TokenKey, TokenRecord, TokenStore, TokenSubject,
    conformance::{
        check::{Verdict, Wrong, expect},
        sample::{HOUR, OTHER_PURPOSE, PURPOSE, START, at, hash, other_realm},
    },
};

pub(super) fn key(n: u64) -> TokenKey {
    TokenKey { realm: Realm::LOCAL, purpose: PURPOSE, hash: hash(n) }
}

pub(super) fn subject(text: &str) -> Result<TokenSubject, Wrong> {
    Ok(TokenSubject::parse(text)?)
}

/// The `n`th token about a subject, for an hour.
pub(super) fn token(about: &str, n: u64) -> Result<TokenRecord, Wrong> {
    Ok(TokenRecord {
        key: key(n),
        subject: subject(about)?,
        expires_at: at(HOUR),
        payload: n.to_be_bytes().into(),
    })
}

/// The same token under keys that differ in one part only.
pub(super) fn elsewhere(token: &TokenRecord) -> Result<[TokenRecord; 3], Wrong> {
    let under = |realm: Realm, purpose: Purpose| TokenRecord {
        key: TokenKey { realm, purpose, hash: token.key.hash },
        payload: [realm_mark(purpose), token.payload.clone()].concat(),
        ..token.clone()
    };
    Ok([
        under(Realm::LOCAL, OTHER_PURPOSE),
        under(other_realm()?, PURPOSE),
        under(Realm::local("https://issuer.example")?, PURPOSE),
    ])
}

/// Makes payloads differ, so that the wrong token is noticed.
fn realm_mark(purpose: Purpose) -> Vec<u8> {
    purpose.as_str().as_bytes().to_vec()
}

pub(super) async fn put_all<'a>(
    store: &dyn TokenStore,
    tokens: impl IntoIterator<Item = &'a TokenRecord, IntoIter: Send>,
) -> Verdict {
    for token in tokens {
        expect("putting a token", store.put(token, START).await?, Put::Stored)?;
    }
    Ok(())
}

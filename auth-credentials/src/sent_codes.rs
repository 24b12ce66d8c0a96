//! Short codes that are sent to somebody, and typed in where they were asked for.

pub(crate) mod code;
pub(crate) mod phone;

use std::{sync::Arc, time::Duration};

use auth_core::{
    AuthenticateError, CounterKey, CounterStore, Entropy, EntropyError, KeyRing, Purpose, Put, Realm,
    RejectionReason, SecretHash, StoreError, TokenKey, TokenRecord, TokenStore, TokenSubject, UnixTime,
    Window,
};

use self::code::SentCode;

/// How often a code is drawn, if another one has its hash.
const DRAWS: usize = 4;

/// Keeps codes that were sent, as a keyed hash of purpose, handle and code, under which they are found: so nothing is
/// compared, one try wins, and a copy of the store does not tell codes that are short enough to be tried.
#[derive(Clone)]
pub(crate) struct SentCodes {
    pub(crate) tokens: Arc<dyn TokenStore>,
    pub(crate) keys: Arc<KeyRing>,
    pub(crate) counters: Arc<dyn CounterStore>,
}

/// What a code is for.
pub(crate) struct CodeFor<'a> {
    pub(crate) realm: &'a Realm,
    pub(crate) codes: Purpose,
    /// The purpose under which tries are counted.
    pub(crate) tries: Purpose,
    /// What it is bound to: a login that waits, or what the browser that asked has in its hands.
    pub(crate) handle: &'a [u8],
    /// Whose codes a new one ends.
    pub(crate) subject: TokenSubject,
    pub(crate) expires_at: UnixTime,
}

impl SentCodes {
    /// How many tries there are for one handle, whatever is sent meanwhile.
    pub(crate) const TRIES: u64 = 5;

    /// Makes a code, and ends those that its subject had.
    pub(crate) async fn issue(
        &self,
        what: &CodeFor<'_>,
        digits: u8,
        entropy: &dyn Entropy,
        now: UnixTime,
    ) -> Result<SentCode, AuthenticateError> {
        for _ in 0..DRAWS {
            let code = SentCode::generate(digits, entropy)?;
            let hash = SecretHash::from_bytes(self.keys.mac(what.codes, &[what.handle, code.digits()]));
            let record = TokenRecord {
                key: TokenKey { realm: what.realm.clone(), purpose: what.codes, hash },
                subject: what.subject.clone(),
                expires_at: what.expires_at,
                payload: Vec::new(),
            };
            // The same code again for the same handle: another one, for the old one ends.
            if self.tokens.replace(&record, now).await? == Put::Stored {
                return Ok(code);
            }
        }
        Err(StoreError::not_written("a token has this hash").into())
    }

    /// Uses a code up, or one of the tries; whoever calls this has counted the failure where that is exact.
    pub(crate) async fn redeem(
        &self,
        what: &CodeFor<'_>,
        typed: Option<&str>,
        now: UnixTime,
    ) -> Result<(), AuthenticateError> {
        self.count(what, now).await?;
        self.redeem_counted(what, typed, now).await
    }

    /// Counts one of the tries, before anything is looked up: guesses at once count each other, and a new code brings
    /// none. A count that is not exact may be somebody else's and takes nothing away.
    pub(crate) async fn count(&self, what: &CodeFor<'_>, now: UnixTime) -> Result<(), AuthenticateError> {
        // Longer than any handle lives.
        let window = Window::new(Duration::from_secs(900));
        let key = CounterKey::new(what.realm, what.tries, &[what.handle]);
        let count = self.counters.add(&key, 1, window, now).await?;
        if count.exact && count.value > Self::TRIES {
            return Err(RejectionReason::Locked.into());
        }
        Ok(())
    }

    /// Uses a code up for a try that is counted.
    pub(crate) async fn redeem_counted(
        &self,
        what: &CodeFor<'_>,
        typed: Option<&str>,
        now: UnixTime,
    ) -> Result<(), AuthenticateError> {
        let code = typed.and_then(SentCode::read).ok_or(RejectionReason::Mismatch)?;
        let parts = [what.handle, code.digits()];
        let macs = [self.keys.mac(what.codes, &parts)];
        for mac in macs.into_iter().chain(self.keys.retired_macs(what.codes, &parts)) {
            let hash = SecretHash::from_bytes(mac);
            let key = TokenKey { realm: what.realm.clone(), purpose: what.codes, hash };
            if self.tokens.take(&key, now).await?.is_some() {
                return Ok(());
            }
        }
        Err(RejectionReason::Mismatch.into())
    }
}

/// A handle as the subject of its codes.
pub(crate) fn subject_of(handle: &[u8]) -> Result<TokenSubject, EntropyError> {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let text = URL_SAFE_NO_PAD.encode(SecretHash::of(handle).as_bytes());
    // 43 printable characters are a subject.
    TokenSubject::parse(&text).map_err(|_| EntropyError)
}

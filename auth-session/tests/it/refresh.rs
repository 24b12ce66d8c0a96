//! Refresh tokens: an application with clients that keep one, and the store of its sessions.

mod faults;
mod forgery;
mod lifecycle;
mod model;
mod races;
mod told;

use std::{sync::Arc, time::Duration};

use auth_core::{KeyName, KeyRing, Refusal, RejectionReason, Secret, SessionTerms, testing::block_on};
use auth_session::{
    EpochCheck, RefreshError, RefreshPolicy, RefreshToken, RefreshTokens, Refreshed, SessionPolicy, Sessions,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::support::{App, login, policy};

const fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

const fn days(n: u64) -> Duration {
    secs(n * 24 * 3_600)
}

/// Longer than uses go unwritten by the default policy.
const TOUCH: Duration = secs(3_600);

struct Api {
    app: App,
    tokens: RefreshTokens,
}

impl Api {
    fn new() -> Self {
        Self::with(policy(), EpochCheck::by_session_store_only())
    }

    fn with(policy: SessionPolicy, epochs: EpochCheck) -> Self {
        let app = App::with(policy, epochs);
        let tokens = RefreshTokens::new(&app.sessions, RefreshPolicy::default());
        Self { app, tokens }
    }

    /// The token of a login.
    fn log_in(&self, name: &str) -> RefreshToken {
        block_on(self.tokens.issue(login(name), SessionTerms::new())).unwrap().token
    }

    fn refresh(&self, token: &RefreshToken) -> Result<Refreshed, RefreshError> {
        block_on(self.tokens.refresh(token))
    }

    /// The next token, which there must be.
    fn next(&self, token: &RefreshToken) -> RefreshToken {
        self.refresh(token).unwrap().token
    }

    /// Why there is no next token. Whatever it is, the client is told one thing.
    fn refused(&self, token: &RefreshToken) -> RejectionReason {
        let error = self.refresh(token).unwrap_err();
        let RefreshError::Rejected(rejection) = &error else { panic!("{error:?}") };
        let reason = rejection.reason();
        assert_eq!(error.to_string(), "credential refused");
        assert_eq!(Refusal::from(error).status(), 401);
        reason
    }

    /// The same application under other keys.
    fn with_keys(&self, keys: KeyRing) -> RefreshTokens {
        let app = &self.app;
        let epochs = EpochCheck::by_session_store_only();
        let sessions = Sessions::new(app.store.clone(), Arc::new(keys), epochs, app.audit.clone(), policy())
            .with_clock(Arc::new(app.clock.clone()));
        RefreshTokens::new(&sessions, RefreshPolicy::default())
    }
}

/// A ring whose keys begin with these bytes, the current one first. The one of `support::keys` is 7.
fn ring(firsts: &[u8]) -> KeyRing {
    let key = |first: u8| {
        let secret = Secret::new((0..32).map(|n| first.wrapping_add(n)).collect());
        (KeyName::parse(&format!("k{first}")).unwrap(), secret)
    };
    let (name, secret) = key(firsts[0]);
    firsts[1..].iter().fold(KeyRing::new(name, secret).unwrap(), |ring, first| {
        let (name, secret) = key(*first);
        ring.with_retired(name, secret).unwrap()
    })
}

/// The counter that a token says it has.
fn counter(token: &RefreshToken) -> u64 {
    let bytes = URL_SAFE_NO_PAD.decode(&token.expose()[37..48]).unwrap();
    u64::from_be_bytes(bytes.try_into().unwrap())
}

fn text(token: &RefreshToken) -> String {
    token.expose().to_string()
}

//! Keys that an issuer publishes.

use std::{
    collections::VecDeque,
    future::{Future, poll_fn},
    pin::{Pin, pin},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use async_trait::async_trait;
use auth_core::{
    PrincipalId, SystemEntropy, UnixTime,
    testing::{SteppedClock, block_on, login_as},
};
use auth_jwt::{
    Algorithm, ClientId, Ed25519SigningKey, FetchError, FetchKeySet, FetchedKeySet, Freshness, KeyId, KeySet,
    RemoteKeySet, RemoteVerifier, RemoteVerifyError, TokenIssuer, Verified,
};

use crate::support::*;

mod cache;
mod cached;
mod flight;
#[cfg(feature = "reqwest")]
mod https;
mod token;

pub(crate) type Answer = Result<FetchedKeySet, FetchError>;
type Step = Box<dyn FnOnce() -> Pin<Box<dyn Future<Output = Answer> + Send>> + Send>;

/// Answers what it is told to, one after another, and counts how often it is asked.
#[derive(Clone, Default)]
pub(crate) struct Script {
    steps: Arc<Mutex<VecDeque<Step>>>,
    asked: Arc<AtomicUsize>,
}

impl Script {
    pub(crate) fn then(self, answer: Answer) -> Self {
        self.then_do(async move { answer })
    }

    pub(crate) fn then_do(self, answer: impl Future<Output = Answer> + Send + 'static) -> Self {
        self.steps.lock().unwrap().push_back(Box::new(|| Box::pin(answer)));
        self
    }

    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl FetchKeySet for Script {
    async fn fetch(&self) -> Answer {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let step = self.steps.lock().unwrap().pop_front();
        match step {
            Some(step) => step().await,
            None => Err(FetchError::Status(500)),
        }
    }
}

/// Something to wait for.
#[derive(Clone, Default)]
pub(crate) struct Gate(Arc<Mutex<(bool, Vec<Waker>)>>);

impl Gate {
    pub(crate) fn open(&self) {
        let mut state = self.0.lock().unwrap();
        state.0 = true;
        state.1.drain(..).for_each(Waker::wake);
    }

    pub(crate) async fn passed(self) {
        poll_fn(|context| {
            let mut state = self.0.lock().unwrap();
            if state.0 {
                return Poll::Ready(());
            }
            state.1.push(context.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// The answer, but only once the gate is open.
    pub(crate) async fn then(self, answer: Answer) -> Answer {
        self.passed().await;
        answer
    }
}

pub(crate) fn poll_once<T>(future: &mut Pin<Box<impl Future<Output = T> + ?Sized>>) -> Poll<T> {
    future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

pub(crate) fn signing_key(id: &str) -> Ed25519SigningKey {
    Ed25519SigningKey::generate(&SystemEntropy).unwrap().with_id(KeyId::new(id).unwrap())
}

/// The set of these keys, fresh for as long as the set itself likes.
pub(crate) fn published(keys: &[&Ed25519SigningKey]) -> Answer {
    fresh_for(keys, Freshness::UNKNOWN)
}

pub(crate) fn fresh_for(keys: &[&Ed25519SigningKey], freshness: Freshness) -> Answer {
    let keys = KeySet::new(keys.iter().map(|key| key.verifying_key())).unwrap();
    Ok(FetchedKeySet::new(keys.to_jwks().unwrap(), freshness))
}

pub(crate) fn body(text: impl Into<Vec<u8>>) -> Answer {
    Ok(FetchedKeySet::new(text, Freshness::UNKNOWN))
}

pub(crate) fn token_of(key: &Ed25519SigningKey) -> String {
    let issuer = TokenIssuer::new(key.clone(), issuer(), audience(), ClientId::new("web").unwrap());
    let login = login_as(&PrincipalId::local_user("42").unwrap(), NOW);
    issuer.for_login(&login).sign(NOW).unwrap().token().expose().to_owned()
}

/// A service that verifies, with its clock and what it fetches.
pub(crate) struct Service {
    pub(crate) verifier: RemoteVerifier<Script>,
    pub(crate) clock: SteppedClock,
    pub(crate) script: Script,
}

impl Service {
    pub(crate) fn new(script: Script) -> Self {
        Self::with(script, |keys| keys)
    }

    pub(crate) fn with(
        script: Script,
        change: impl FnOnce(RemoteKeySet<Script>) -> RemoteKeySet<Script>,
    ) -> Self {
        let clock = SteppedClock::new(NOW);
        let keys = RemoteKeySet::new(script.clone(), [Algorithm::EdDsa, Algorithm::Es256]).unwrap();
        let keys = change(keys.with_clock(Arc::new(clock.clone())));
        Self { verifier: RemoteVerifier::new(Arc::new(keys), policy()), clock, script }
    }

    pub(crate) fn step(&self, secs: u64) {
        self.clock.step(Duration::from_secs(secs));
    }

    /// Verifies a token as if it were still as young as it was.
    pub(crate) fn verify(&self, token: &str) -> Result<Verified, RemoteVerifyError> {
        block_on(self.verifier.verify(token, NOW))
    }

    pub(crate) fn accepts(&self, token: &str) -> bool {
        self.verify(token).is_ok()
    }

    pub(crate) fn asked(&self) -> usize {
        self.script.asked()
    }
}

/// What is awaited in requests must be able to move between threads.
#[test]
fn verifying_is_send() {
    fn send<T: Send>(value: T) -> T {
        value
    }
    let key = signing_key("a");
    let service = Service::new(Script::default().then(published(&[&key])));
    let token = token_of(&key);
    let mut verify = pin!(send(service.verifier.verify::<()>(&token, NOW)));
    assert!(block_on(verify.as_mut()).is_ok());
}

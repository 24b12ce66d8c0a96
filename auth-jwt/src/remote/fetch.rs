//! Getting a key set from where its issuer publishes it.

use std::{error::Error, sync::Arc};

use async_trait::async_trait;

use super::Freshness;

/// Fetches the key set of one issuer.
///
/// Timeouts, connections and the address are its own affair: a [`RemoteKeySet`](super::RemoteKeySet) neither
/// sleeps nor gives up waiting, so an implementation has to. It asks again itself when it is time to, so an
/// implementation neither repeats a request that failed nor keeps an answer.
///
/// Whoever waits for a fetch may go away, and then nobody polls it until the next one comes, maybe after its
/// timeout. An implementation whose timeout counts meanwhile would fail with an answer that was there in time, and
/// the cooldown keep everybody from asking again. So it sends its request from a task of its runtime, and waits for
/// that.
///
/// The answer is believed, so it must come over a channel that proves the issuer: TLS, without redirects to
/// other places.
#[async_trait]
pub trait FetchKeySet: Send + Sync {
    /// Fetches the key set as it is published now.
    ///
    /// # Errors
    /// [`FetchError`].
    async fn fetch(&self) -> Result<FetchedKeySet, FetchError>;
}

macro_rules! forward {
    ($pointer:ty) => {
        #[async_trait]
        impl<T: FetchKeySet + ?Sized> FetchKeySet for $pointer {
            async fn fetch(&self) -> Result<FetchedKeySet, FetchError> {
                (**self).fetch().await
            }
        }
    };
}

forward!(&T);
forward!(Box<T>);
forward!(Arc<T>);

/// A key set as it came over the network, and how long its server calls it fresh.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchedKeySet {
    pub(super) body: Vec<u8>,
    pub(super) freshness: Freshness,
}

impl FetchedKeySet {
    /// The body of an answer with status 200, and what its header fields say of its freshness.
    #[must_use]
    pub fn new(body: impl Into<Vec<u8>>, freshness: Freshness) -> Self {
        Self { body: body.into(), freshness }
    }
}

/// Why a key set could not be fetched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// No connection, no TLS, or the connection broke.
    #[error("server is out of reach")]
    Unreachable(#[source] Box<dyn Error + Send + Sync>),
    /// No whole answer in time.
    #[error("server did not answer in time")]
    Timeout,
    /// The answer is a redirect, which is not followed: it would let whoever can write one choose the keys.
    #[error("server redirects with status {0}")]
    Redirect(u16),
    /// The answer has another status than 200.
    #[error("server answered with status {0}")]
    Status(u16),
    /// The body is longer than is looked at.
    #[error("answer is longer than {max} bytes")]
    TooLarge {
        /// The most bytes that are looked at.
        max: usize,
    },
}

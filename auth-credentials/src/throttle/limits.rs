//! How many tries there are.

use std::{num::NonZeroU32, time::Duration};

use auth_core::Window;

/// So many tries in so long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    pub(super) tries: NonZeroU32,
    pub(super) window: Window,
}

impl Limit {
    /// `tries` tries in any `window`.
    #[must_use]
    pub const fn new(tries: NonZeroU32, window: Window) -> Self {
        Self { tries, window }
    }

    /// As often `times` in the same window.
    pub(super) const fn times(self, times: NonZeroU32) -> Self {
        Self { tries: self.tries.saturating_mul(times), ..self }
    }

    /// How many tries.
    #[must_use]
    pub const fn tries(self) -> NonZeroU32 {
        self.tries
    }

    /// In how long.
    #[must_use]
    pub const fn window(self) -> Window {
        self.window
    }

    fn of(tries: u32, minutes: u64) -> Self {
        let window = Window::new(Duration::from_secs(minutes.saturating_mul(60)));
        Self { tries: NonZeroU32::new(tries).unwrap_or(NonZeroU32::MIN), window }
    }
}

/// The limits of a [`Throttle`](crate::Throttle).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ThrottleLimits {
    /// Tries at one account from one source.
    pub pair: Limit,
    /// Tries at one account from anywhere. Beyond it, tries are delayed and never refused here. The cap on
    /// consecutive failures still locks a password until it is set anew: offer a reset that needs no password.
    pub account: Limit,
    /// Tries from one source at any account.
    pub source: Limit,
    /// Refused tries at any account from anywhere, if they are counted together: guessing that keeps below every other
    /// limit. Beyond it, tries are delayed, at each account in its own turns, and never refused here. Devices that are
    /// [remembered](crate::RememberedDevices) are not delayed by it.
    pub global: Option<Limit>,
}

impl ThrottleLimits {
    /// For logins: 10 for a pair, 30 for an account, 100 for a source, 10,000 that are refused anywhere, each in 15
    /// minutes.
    #[must_use]
    pub fn login() -> Self {
        let global = Some(Limit::of(10_000, 15));
        Self { pair: Limit::of(10, 15), account: Limit::of(30, 15), source: Limit::of(100, 15), global }
    }

    /// For second factors: 5 for a pair, 20 for an account, 100 for a source, 1,000 that are refused anywhere, each in
    /// 15 minutes.
    ///
    /// Whoever gets here has passed a first factor, so what they spend is not a stranger's to spend.
    #[must_use]
    pub fn second_factor() -> Self {
        let global = Some(Limit::of(1_000, 15));
        Self { pair: Limit::of(5, 15), account: Limit::of(20, 15), source: Limit::of(100, 15), global }
    }

    /// For asking for links: 3 for a pair, 10 for an account, 20 for a source, each in an hour.
    ///
    /// Every one is a message that somebody has to read and somebody pays for.
    #[must_use]
    pub fn links() -> Self {
        Self { pair: Limit::of(3, 60), account: Limit::of(10, 60), source: Limit::of(20, 60), global: None }
    }

    /// For text messages to telephones: 3 for a pair, 5 for an account, 20 for a source, each in 15 minutes.
    ///
    /// Whoever asks has passed a first factor. It is money all the same.
    #[must_use]
    pub fn text_messages() -> Self {
        Self { pair: Limit::of(3, 15), account: Limit::of(5, 15), source: Limit::of(20, 15), global: None }
    }

    /// For API keys that were refused: 300 from a source in 15 minutes. Accounts are not counted: nobody guesses 256
    /// bits. A source over it is told to wait, but for keys that were good before: a program with a revoked key must not
    /// keep others out.
    #[must_use]
    pub fn api_keys() -> Self {
        let limit = Limit::of(300, 15);
        Self { pair: limit, account: limit, source: limit, global: None }
    }

    /// For signing up: 20 from a source in an hour. Accounts are not counted: nothing is guessed.
    #[must_use]
    pub fn sign_up() -> Self {
        let limit = Limit::of(20, 60);
        Self { pair: limit, account: limit, source: limit, global: None }
    }
}

//! An application whose accounts may have second factors.

use std::sync::Arc;

use auth_core::{
    AuthenticateError, Authenticated, Authenticator, Clock, FactorPassed, KeyName, KeyRing, Login, LoginGate,
    LoginOutcome, PendingLogin, Purpose, SystemEntropy, UnixTime, testing::block_on,
};
use auth_credentials::{
    Accounts, CodeCredential, Confirmed, Limit, OneFactor, OtpUri, PasswordPolicy, RecoveryCode,
    SecondFactors, Throttle, ThrottleLimits,
};

use super::{
    address,
    app::{App, PASSWORD, credential},
    counters::TestCounters,
};

#[derive(Clone)]
pub(crate) struct Site {
    pub(crate) app: App,
    pub(crate) accounts: Accounts,
    pub(crate) factors: SecondFactors,
}

impl Site {
    /// With an account for `ann`.
    pub(crate) fn new() -> Self {
        let app = App::new();
        app.sign_up("ann", PASSWORD);
        let accounts = Accounts::new(
            app.accounts.authenticator().clone(),
            LoginGate::new(Arc::new(OneFactor::password())),
            PasswordPolicy::single_factor().shorter_beside_second_factor(),
            Arc::<TestCounters>::clone(&app.counters),
            Arc::new(SystemEntropy),
        );
        let keys = Arc::new(KeyRing::generate(KeyName::parse("test").unwrap(), &SystemEntropy).unwrap());
        let factors = Self::factors(&app, &accounts, keys);
        Self { app, accounts, factors }
    }

    /// The same without a throttle to speak of.
    pub(crate) fn unthrottled() -> Self {
        let site = Self::new();
        let limit = Limit::new(u32::MAX.try_into().unwrap(), ThrottleLimits::login().pair.window());
        let limits = ThrottleLimits { pair: limit, account: limit, source: limit, global: None };
        let counters = Arc::<TestCounters>::clone(&site.app.counters);
        let factors =
            site.factors.with_throttle(Throttle::new(counters, Purpose::new("unthrottled"), limits));
        Self { factors, ..site }
    }

    pub(crate) fn factors(app: &App, accounts: &Accounts, keys: Arc<KeyRing>) -> SecondFactors {
        SecondFactors::new(accounts.clone(), keys, Arc::<TestCounters>::clone(&app.counters), "Test").unwrap()
    }

    pub(crate) fn now(&self) -> UnixTime {
        self.app.clock.now()
    }

    /// A request of somebody who logs in by password alone.
    pub(crate) fn request(&self) -> Authenticated {
        match block_on(self.accounts.log_in(credential("ann", PASSWORD, address(1)))).unwrap() {
            LoginOutcome::Complete(login) => Authenticated::assertion(login.into_authentication()),
            LoginOutcome::Pending(_) => panic!("a second factor is asked for"),
        }
    }

    /// Enrols a device. What it shows is its URI's.
    pub(crate) fn enrol(&self) -> (OtpUri, Confirmed) {
        let who = self.request();
        let uri = block_on(self.factors.begin(&who)).unwrap();
        let confirmed = block_on(self.factors.confirm(&who, &self.shown(&uri))).unwrap();
        (uri, confirmed)
    }

    /// What the device shows now.
    pub(crate) fn shown(&self, uri: &OtpUri) -> String {
        uri.device().code_now(self.now()).unwrap().to_string()
    }

    /// Moves on to the next code.
    pub(crate) fn next_step(&self) {
        self.app.clock.step(std::time::Duration::from_secs(30));
    }

    /// A login that waits for a code.
    pub(crate) fn pending(&self) -> PendingLogin {
        match block_on(self.accounts.log_in(credential("ann", PASSWORD, address(1)))).unwrap() {
            LoginOutcome::Pending(pending) => pending,
            LoginOutcome::Complete(_) => panic!("no second factor is asked for"),
        }
    }

    pub(crate) fn check(&self, typed: &str) -> Result<FactorPassed, AuthenticateError> {
        self.check_for(&self.pending(), typed, 1)
    }

    pub(crate) fn check_for(
        &self,
        pending: &PendingLogin,
        typed: &str,
        from: u32,
    ) -> Result<FactorPassed, AuthenticateError> {
        let code = CodeCredential::one_time(pending, typed.to_owned(), Some(address(from)));
        block_on(self.factors.authenticate(code))
    }

    pub(crate) fn recover(
        &self,
        pending: &PendingLogin,
        code: &RecoveryCode,
    ) -> Result<FactorPassed, AuthenticateError> {
        let code = CodeCredential::recovery(pending, code.expose().to_string(), Some(address(1)));
        block_on(self.factors.authenticate(code))
    }

    /// Logs in with password and the code that is shown.
    pub(crate) fn log_in(&self, uri: &OtpUri) -> Login {
        let pending = self.pending();
        let factor = self.check_for(&pending, &self.shown(uri), 1).unwrap();
        match block_on(self.accounts.proceed(pending, factor, Some(address(1)))).unwrap() {
            LoginOutcome::Complete(login) => login,
            LoginOutcome::Pending(_) => panic!("two factors are enough"),
        }
    }
}

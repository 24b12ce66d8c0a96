//! The flows with every default in place.

use std::sync::Arc;

use auth_core::{AuditSink, CounterStore, LoginGate, SystemClock, SystemEntropy};

use super::Accounts;
use crate::{
    hash::{hasher::PasswordHasher, params::Argon2Params},
    login_policies::OneFactor,
    password_authenticator::PasswordAuthenticator,
    policy::PasswordPolicy,
    pool::{HashPool, HashPoolError, HashPoolSize},
    stores::AccountStores,
    throttle::Throttle,
};

impl Accounts {
    /// Accounts that log in with a password alone, by the defaults of this crate: [`Argon2Params::OWASP`] on a
    /// [`HashPool`] of its default size, [`Throttle::login`], [`OneFactor::password`],
    /// [`PasswordPolicy::single_factor`], the clock and the random numbers of the system.
    ///
    /// What is asked for cannot be defaulted. For anything else, put the parts together with [`new`](Self::new).
    ///
    /// # Errors
    /// [`HashPoolError`] if memory, threads or random numbers are missing.
    pub fn password_only(
        stores: AccountStores,
        counters: Arc<dyn CounterStore>,
        audit: Arc<dyn AuditSink>,
    ) -> Result<Self, HashPoolError> {
        let entropy = Arc::new(SystemEntropy);
        let hasher = PasswordHasher::new(Argon2Params::OWASP, entropy.clone())?;
        let pool = HashPool::start(hasher, HashPoolSize::default())?;
        let throttle = Throttle::login(Arc::clone(&counters));
        let authenticator = PasswordAuthenticator::new(stores, pool, throttle, audit, Arc::new(SystemClock));
        let gate = LoginGate::new(Arc::new(OneFactor::password()));
        Ok(Self::new(authenticator, gate, PasswordPolicy::single_factor(), counters, entropy))
    }
}

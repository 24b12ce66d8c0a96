//! What a request does not do, although it says how its owner once logged in: it could be a copy of somebody's token, or
//! a program's.

use std::sync::Arc;

use auth_core::{
    Assurance, Authenticator, Enrolled, Judgement, LoginGate, LoginPolicy, Method, SystemEntropy,
    testing::block_on,
};
use auth_credentials::{Accounts, BasicAuthenticator, BasicCredential, PasswordPolicy};
use base64::{Engine, engine::general_purpose::STANDARD};

use crate::support::{app::PASSWORD, counters::TestCounters, mail::ANN, person::refused_everything};

/// An access token of a login of a moment ago is as good as a copy of it: whoever stole one must not stay.
#[test]
fn an_access_token_changes_nothing_of_how_its_owner_logs_in() {
    refused_everything(|person| person.by(vec![Method::PASSWORD, Method::BEARER_TOKEN]));
}

/// A gate that does not ask for the second factors of an account: with it, a password alone gets as far as it can.
struct Careless;

impl LoginPolicy for Careless {
    fn judge(&self, _: &[Method], _: &Enrolled) -> Judgement {
        Judgement::Enough(Assurance::Aal2)
    }
}

/// The password of a script is not the person who wrote it down there.
#[test]
fn basic_changes_neither_factors_nor_keys_nor_the_address() {
    refused_everything(|person| {
        let accounts = Accounts::new(
            person.post.accounts.authenticator().clone(),
            LoginGate::new(Arc::new(Careless)),
            PasswordPolicy::default(),
            Arc::<TestCounters>::clone(&person.post.app.counters),
            Arc::new(SystemEntropy),
        );
        let header = format!("Basic {}", STANDARD.encode(format!("{ANN}:{PASSWORD}")));
        let credential = BasicCredential::parse(header.as_bytes(), None).unwrap();
        block_on(BasicAuthenticator::new(accounts).authenticate(credential)).unwrap()
    });
}

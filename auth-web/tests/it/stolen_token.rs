//! An access token that was stolen, and what it does not open.

use std::sync::Arc;

use auth_web::{
    Visit,
    core::{
        AuthenticateError, Authenticated, KeyName, KeyRing, LoginOutcome, MemoryCounters, Method,
        RejectionReason, SystemEntropy,
    },
    credentials::{Accounts, Password, PasswordCredential, SecondFactorError, SecondFactors},
};

use crate::{
    app::{Fixture, START, access_cookie, fixture_with},
    basic::{PASSWORD, accounts},
};

struct Site {
    fixture: Fixture,
    accounts: Accounts,
    factors: SecondFactors,
}

impl Site {
    async fn new() -> Self {
        let (accounts, ..) = accounts().await;
        let keys = Arc::new(KeyRing::generate(KeyName::from_static("k"), &SystemEntropy).unwrap());
        let counters = Arc::new(MemoryCounters::new(100));
        let factors = SecondFactors::new(accounts.clone(), keys, counters, "Test").unwrap();
        Self { fixture: fixture_with(|auth| auth.access_cookie(access_cookie())), accounts, factors }
    }

    /// Ann logs in by password, in this very request.
    async fn log_in(&self) -> auth_web::core::Login {
        let typed = PasswordCredential::typed("ann", PASSWORD.to_owned(), None);
        match self.accounts.log_in(typed).await.unwrap() {
            LoginOutcome::Complete(login) => login,
            LoginOutcome::Pending(_) => panic!("one factor is enough"),
        }
    }

    /// The request that comes with this line.
    async fn visit(&self, name: &str, line: &str) -> Visit {
        assert_eq!(self.fixture.get("/keep-visit", &[(name, line)]).await.status, 200);
        self.fixture.kept.lock().unwrap().take().unwrap()
    }

    async fn enrols(&self, who: &Authenticated) -> Result<(), RejectionReason> {
        match self.factors.begin(who).await {
            Ok(_) => Ok(()),
            Err(SecondFactorError::Refused(AuthenticateError::Rejected(rejection))) => {
                Err(rejection.reason())
            }
            Err(error) => panic!("{error}"),
        }
    }
}

/// Issued a moment ago, on a login without limits, and carried as a header or as the cookie of an application that has no
/// sessions: whoever has a copy enrols no device and changes no password, and is still let in to read.
#[tokio::test]
async fn a_stolen_access_token_does_not_change_how_its_owner_logs_in() {
    let site = Site::new().await;
    let login = site.log_in().await;
    let token = site.fixture.tokens.for_login(&login).sign(START).unwrap();
    let token = token.token().expose();
    let set = access_cookie().set(token, None).unwrap();
    let cookie = set.expose().split(';').next().unwrap();
    let header = format!("Bearer {token}");
    for (name, line) in [("authorization", &*header), ("cookie", cookie)] {
        let who = site.visit(name, line).await.require_user().await.unwrap();
        assert_eq!(who.principal(), &login.authentication().principal);
        assert_eq!(who.authentication().methods, [Method::PASSWORD, Method::BEARER_TOKEN]);
        assert_eq!(site.enrols(&who).await, Err(RejectionReason::Policy), "{name}");
        let (current, new) = (Password::new(PASSWORD.to_owned()), Password::new("x".repeat(20)));
        assert!(site.accounts.change_password(&who, current, new, None).await.is_err(), "{name}");
    }
    // Where that cookie is all there is, the page asks for the password and passes what comes of it on.
    let again = Authenticated::assertion(site.log_in().await.into_authentication());
    assert_eq!(site.enrols(&again).await, Ok(()));
}

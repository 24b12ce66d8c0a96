//! What a challenge for a young login takes: logging in again, and not one more factor.

use std::{sync::Arc, time::Duration};

use auth_web::{
    Refusal, Require, Visit,
    axum08::Mounted,
    core::{
        Assurance, Authenticated, Authenticator, DiscardAudit, KeyName, KeyRing, LoginGate, LoginOutcome,
        MemoryAccounts, MemoryCounters, PendingLogin, Permission, PolicyVersion, SystemEntropy,
        testing::SteppedClock,
    },
    credentials::{
        AccountStores, Accounts, CodeCredential, HashPool, HashPoolSize, OneFactor, OtpUri,
        PasswordAuthenticator, PasswordCredential, PasswordHasher, PasswordPolicy, SecondFactors, Throttle,
        danger,
    },
    rbac::{Abac, Actions, Condition, Demand, Kinds, Rule, RuleName, Schema},
};
use axum::{
    Router,
    routing::{get, post},
};

use crate::app::{ORIGIN, fixture_with, perm};

/// Whoever logged in within the last ten minutes, by two factors, may read accounts.
fn policy() -> Abac {
    let (action, kind) = (perm::UsersRead::ACTION, perm::UsersRead::RESOURCE);
    let mut schema = Schema::new();
    schema.action(action.as_str()).unwrap().kind(kind.as_str()).unwrap();
    let rule = Rule::permit(
        RuleName::parse("young-and-sure").unwrap(),
        Actions::these([action]),
        Kinds::One(kind),
        Condition::parse("context.auth.age <= 10m && context.auth.assurance >= 2").unwrap(),
    );
    let demand = Demand::at_least(Assurance::Aal2).and_fresh_within(Duration::from_secs(600));
    Abac::compile(PolicyVersion::new(1), &schema, &[rule.with_challenge(demand)]).unwrap()
}

/// Accounts with codes as their second factor.
#[derive(Clone)]
struct Flows {
    accounts: Accounts,
    factors: SecondFactors,
}

impl Flows {
    fn new(clock: &SteppedClock) -> Self {
        let (entropy, counters) = (Arc::new(SystemEntropy), Arc::new(MemoryCounters::new(100)));
        let hasher =
            PasswordHasher::new(danger::allow_weak_params(8, 1, 1).unwrap(), entropy.clone()).unwrap();
        let authenticator = PasswordAuthenticator::new(
            AccountStores::new(Arc::new(MemoryAccounts::new(10))),
            HashPool::start(hasher, HashPoolSize::default()).unwrap(),
            Throttle::login(counters.clone()),
            Arc::new(DiscardAudit),
            Arc::new(clock.clone()),
        );
        let gate = LoginGate::new(Arc::new(OneFactor::password()));
        let policy = PasswordPolicy::single_factor();
        let accounts = Accounts::new(authenticator, gate, policy, counters.clone(), entropy);
        let keys = Arc::new(KeyRing::generate(KeyName::from_static("k"), &SystemEntropy).unwrap());
        let factors = SecondFactors::new(accounts.clone(), keys, counters, "Test").unwrap();
        Self { accounts, factors }
    }

    fn typed() -> PasswordCredential {
        PasswordCredential::typed("ann@example.com", "velvet otters at dawn".to_owned(), None)
    }

    /// Signs up, and enrols a device.
    async fn enrol(&self, clock: &SteppedClock) -> OtpUri {
        self.accounts.sign_up(Self::typed()).await.unwrap();
        let LoginOutcome::Complete(login) = self.accounts.log_in(Self::typed()).await.unwrap() else {
            panic!("one factor is enough");
        };
        let who = Authenticated::assertion(login.into_authentication());
        let device = self.factors.begin(&who).await.unwrap();
        let _recovery_codes = self.factors.confirm(&who, &shown(&device, clock)).await.unwrap();
        device
    }

    async fn finish(&self, visit: &Visit, pending: PendingLogin, code: String) -> Result<(), Refusal> {
        let code = CodeCredential::one_time(&pending, code, visit.source());
        let factor = self.factors.authenticate(code).await?;
        match self.accounts.proceed(pending, factor, visit.source()).await? {
            LoginOutcome::Complete(login) => visit.log_in(login).await.map(|_| ()),
            LoginOutcome::Pending(_) => panic!("two factors are enough"),
        }
    }
}

/// What the device shows at the next step.
fn shown(device: &OtpUri, clock: &SteppedClock) -> String {
    clock.step(Duration::from_secs(30));
    device.device().code_now(auth_web::core::Clock::now(clock)).unwrap().to_string()
}

/// A page that wants a young login and offered the step-up for it would ask for codes for ever.
#[tokio::test]
async fn a_challenge_for_a_young_login_takes_a_login_and_no_step_up() {
    let mut fixture = fixture_with(|auth| auth.authorizer(Arc::new(policy())));
    let flows = Flows::new(&fixture.clock);
    let device = flows.enrol(&fixture.clock).await;
    let (logging_in, raising) = (flows.clone(), flows);
    let log_in =
        async move |visit: Visit, code: String| match logging_in.accounts.log_in(Flows::typed()).await? {
            LoginOutcome::Pending(pending) => logging_in.finish(&visit, pending, code).await,
            LoginOutcome::Complete(_) => panic!("a code is asked for"),
        };
    let step_up = async move |visit: Visit, code: String| {
        let pending = raising.accounts.step_up(&visit.require_user().await?).await?;
        raising.finish(&visit, pending, code).await
    };
    let routes: Router<Mounted<()>> = Router::new()
        .route("/log-in", post(log_in))
        .route("/step-up", post(step_up))
        .route("/read", get(async |_: Require<perm::UsersRead>| "read"));
    fixture.router = fixture.auth.clone().mount(routes, ());
    let post = async |path: &str, cookie: &str| {
        let code = shown(&device, &fixture.clock);
        let answer = fixture.send_body("POST", path, &[("cookie", cookie), ("origin", ORIGIN)], code).await;
        assert_eq!(answer.status, 200, "{path} {}", answer.body);
        answer.cookie()
    };
    let read = async |cookie: &str| {
        let answer = fixture.get("/read", &[("cookie", cookie)]).await;
        (answer.status, answer.header("www-authenticate").map(str::to_owned))
    };
    let allowed = (200, None);

    let first = post("/log-in", "").await;
    assert_eq!(read(&first).await, allowed);
    fixture.step(601);
    let (status, challenge) = read(&first).await;
    assert_eq!(status, 401);
    assert!(challenge.unwrap().contains(r#"max_age="600""#));
    let raised = post("/step-up", &first).await;
    assert_eq!(read(&raised).await.0, 401, "as old as it was");
    let again = post("/log-in", &raised).await;
    assert_eq!(read(&again).await, allowed);
}

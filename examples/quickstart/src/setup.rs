//! How the parts come together.

use std::{
    error::Error,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use auth_web::{
    Auth, PublicUrl, Refusal, Visit,
    axum08::Mounted,
    core::{
        AccountEpochs, AccountStore, AssignmentStore, AuditSink, AuthenticateError, Clock, CounterStore,
        EpochSource, KeyRing, MemoryCounters, Purpose, Realm, SessionLimit, SessionStore, StoreError,
        SystemClock, TokenStore, TracingAudit, WhenReached,
    },
    credentials::{
        AccountLinks, AccountStores, Accounts, ApiKeyPrefix, ApiKeys, EpochRaised, LinkBase, LinkError,
        LinkPurpose, Notifier, OtpUriError, PasswordPolicy, SecondFactors,
    },
    jwt::{Audience, BearerAuthenticator, ClientId, Hs256Key, Issuer, TokenIssuer, TokenPolicy, Verifier},
    rbac::{LivePolicy, PolicyReloader},
    session::{CookiePolicy, EpochCheck, RefreshPolicy, RefreshTokens, SessionPolicy, Sessions},
};
use axum::extract::FromRef;

use crate::{cli::Options, keys, mail::Mail, policy, second_step::WaitingLogins, stores::Stores};

/// What API keys begin with. Secret scanners find them by it.
pub const API_KEY_PREFIX: &str = "quickstart";

/// What handlers need beside who is asking. Cheap to clone.
#[derive(Clone)]
pub struct App {
    pub accounts: Accounts,
    pub factors: SecondFactors,
    pub waiting: WaitingLogins,
    pub links: AccountLinks,
    pub mail: Mail,
    pub api_keys: ApiKeys,
    pub directory: Arc<dyn AccountStore>,
    pub assignments: Arc<dyn AssignmentStore>,
    pub tokens: TokenIssuer,
    pub verifier: Verifier,
    pub refresh: RefreshTokens,
    pub policy: LivePolicy,
    pub sessions: Sessions,
    pub session_store: Arc<dyn SessionStore>,
    pub keys: Arc<KeyRing>,
    pub counters: Arc<dyn CounterStore>,
    pub link_store: Arc<dyn TokenStore>,
    pub audit: Arc<dyn AuditSink>,
}

impl FromRef<Mounted<App>> for App {
    fn from_ref(mounted: &Mounted<App>) -> Self {
        mounted.app().clone()
    }
}

impl App {
    /// Sends whoever has just signed up the link that shows who reads the mail of the address. The account is made: that
    /// this source has asked for too many links is no failure of that, and the profile page sends another one.
    pub async fn ask_to_verify(&self, email: &str, source: Option<IpAddr>) -> Result<(), Refusal> {
        match self.links.ask_to_verify(email, source).await {
            Err(LinkError::Refused(AuthenticateError::Throttled(_))) => Ok(()),
            asked => Ok(asked?),
        }
    }

    /// Ends what was begun before, everywhere but in the session of this request.
    pub async fn end_other_sessions(&self, visit: &Visit, raised: &EpochRaised) -> Result<(), Refusal> {
        visit.end_other_sessions(raised.epoch()).await?;
        Ok(self.accounts.sweep_done(raised).await?)
    }

    /// Forgets what has expired, and makes good what a failure between a password change and the end of its
    /// sessions left undone.
    pub async fn maintain(&self) -> Result<(), StoreError> {
        const AT_ONCE: u32 = 1_000;
        // The rest is for the next time: a flood of visitors must not keep the database busy for longer than this.
        const ROUNDS: u32 = 100;
        self.accounts.finish_sweeps(&self.session_store, &self.keys).await?;
        for _ in 0..ROUNDS {
            let now = SystemClock.now();
            let sessions = self.sessions.purge(AT_ONCE).await?;
            let counters = self.counters.purge(now, AT_ONCE).await?;
            let links = self.link_store.purge(now, AT_ONCE).await?;
            if sessions.max(counters).max(links) < u64::from(AT_ONCE) {
                break;
            }
        }
        self.api_keys.write_uses().await?;
        Ok(())
    }
}

/// The application, what protects it, and what keeps its policy up to date.
pub async fn build(
    options: &Options,
    listen: SocketAddr,
) -> Result<(App, Auth, PolicyReloader), Box<dyn Error>> {
    let audit: Arc<dyn AuditSink> = Arc::new(TracingAudit);
    let mail = Mail::open(options, &audit)?;
    // Plain HTTP, which the library allows on this machine alone.
    let public = PublicUrl::plain_http_loopback(&format!("http://{listen}"), listen)?;
    let keys = Arc::new(keys::load_or_create(&options.key_file()?)?);
    let stores = Stores::open(&options.database, &options.sessions, &audit).await?;
    let accounts = passwords(&stores, &audit)?;
    let factors = second_factors(&accounts, &keys, &stores)?;
    let links = links(&accounts, &stores, mail.notifier(), public.origin().as_str())?;
    let Stores {
        accounts: directory, assignments, counters, sessions: session_store, links: link_store, ..
    } = stores;
    let waiting = WaitingLogins::new(Arc::clone(&keys), &public)?;
    // Refused keys are counted in memory, where a flood of them costs least.
    let refused = Arc::new(MemoryCounters::new(100_000));
    let api_keys = ApiKeys::new(accounts.clone(), ApiKeyPrefix::parse(API_KEY_PREFIX)?, refused);
    let epochs: Arc<dyn EpochSource> = Arc::new(AccountEpochs(Arc::clone(&directory)));

    let sessions = Sessions::new(
        Arc::clone(&session_store),
        Arc::clone(&keys),
        EpochCheck::by(Arc::clone(&epochs)),
        Arc::clone(&audit),
        session_policy(&public)?,
    );
    let refresh = RefreshTokens::new(&sessions, RefreshPolicy::default());
    let (tokens, verifier) = tokens(&public, &keys)?;
    // With the epochs, a token ends when the password changes, not only when it expires.
    let bearer =
        BearerAuthenticator::new(verifier.clone()).local_issuer(Realm::LOCAL)?.with_epochs(epochs)?;
    let tokens = tokens.with_audit(Arc::clone(&audit));
    let live = LivePolicy::without_policy().with_audit(Arc::clone(&audit), Arc::new(SystemClock));
    let mut reloader = policy::reloader(options.policy.as_deref(), Arc::clone(&assignments), live.clone())?;
    policy::start(&mut reloader).await?;

    let auth = Auth::builder(public, sessions.clone())
        .bearer(bearer)
        .api_keys(api_keys.clone())
        .authorizer(Arc::new(live.clone()))
        .login_page("/login")?
        .audit(Arc::clone(&audit))
        .build()?;
    Ok((
        App {
            accounts,
            factors,
            waiting,
            links,
            mail,
            api_keys,
            directory,
            assignments,
            tokens,
            verifier,
            refresh,
            policy: live,
            sessions,
            session_store,
            keys,
            counters,
            link_store,
            audit,
        },
        auth,
        reloader,
    ))
}

pub fn passwords(stores: &Stores, audit: &Arc<dyn AuditSink>) -> Result<Accounts, Box<dyn Error>> {
    let store = AccountStores::from_parts(Arc::clone(&stores.accounts), Arc::clone(&stores.credentials));
    let accounts = Accounts::password_only(store, Arc::clone(&stores.counters), Arc::clone(audit))?;
    Ok(accounts.with_policy(PasswordPolicy::single_factor().with_context(["quickstart"])))
}

pub fn second_factors(
    accounts: &Accounts,
    keys: &Arc<KeyRing>,
    stores: &Stores,
) -> Result<SecondFactors, OtpUriError> {
    // Apps show this name beside the code.
    SecondFactors::new(accounts.clone(), Arc::clone(keys), Arc::clone(&stores.counters), "Quickstart")
}

pub fn links(
    accounts: &Accounts,
    stores: &Stores,
    mail: Arc<dyn Notifier>,
    url: &str,
) -> Result<AccountLinks, Box<dyn Error>> {
    let (links, counters) = (Arc::clone(&stores.links), Arc::clone(&stores.counters));
    Ok(AccountLinks::new(accounts.clone(), links, mail, LinkBase::parse(url)?, counters)
        .with_path(LinkPurpose::VerifyAddress, "/verify")?
        .with_path(LinkPurpose::ResetPassword, "/reset")?)
}

/// Who wants to be remembered is for as long as NIST SP 800-63B-4 allows after a password alone; the others for as
/// long as their browser is open, and a week at most.
fn session_policy(public: &PublicUrl) -> Result<SessionPolicy, Box<dyn Error>> {
    let days = |n: u64| Duration::from_secs(n * 24 * 3_600);
    let cookie = CookiePolicy::plain_http_loopback(public.origin())?;
    Ok(SessionPolicy::new(days(1), days(7), cookie)?
        .with_remembered(days(14), days(30))?
        .with_limit(SessionLimit { max: 50, when_reached: WhenReached::EndOldest })?)
}

/// Tokens that we issue to ourselves: one key, one issuer, one audience.
fn tokens(public: &PublicUrl, keys: &KeyRing) -> Result<(TokenIssuer, Verifier), Box<dyn Error>> {
    let key = Hs256Key::derived(&keys.derive(Purpose::new("quickstart-access-tokens")));
    let url = public.origin().as_str();
    let (issuer, audience) = (Issuer::new(url)?, Audience::new(url)?);
    let verifier = Verifier::new(key.clone(), TokenPolicy::access_token(issuer.clone(), audience.clone()));
    Ok((TokenIssuer::new(key, issuer, audience, ClientId::new("quickstart")?), verifier))
}

//! Sessions on actix-web: log in, a profile, a page that needs a permission. Everything is kept in memory, so
//! that the sessions are all there is to see.
//!
//! ```sh
//! cargo run -p example-actix-sessions      # serves http://127.0.0.1:3001
//! curl -i -c jar -H 'origin: http://127.0.0.1:3001' http://127.0.0.1:3001/login \
//!   -d email=ann@example.com --data-urlencode 'password=correct horse battery'
//! curl -b jar http://127.0.0.1:3001/profile
//! curl -i -b jar http://127.0.0.1:3001/reports    # 403: only bob@example.com may, with the same password
//! ```

use std::{error::Error, net::SocketAddr, sync::Arc};

use actix_web::{
    HttpResponse, HttpResponseBuilder, Responder,
    http::header,
    web::{self, Data, Form, FormConfig, Query, ServiceConfig},
};
use auth_web::{
    Auth, CurrentUser, NextPath, PublicUrl, Refusal, Require, Session, Visit,
    core::{
        AccountEpochs, AccountStore, AuditSink, CounterStore, KeyName, KeyRing, LoginName, LoginOutcome,
        MemoryAccounts, MemoryCounters, MemorySessions, PolicyVersion, Realm, Refusal as Kind, SystemEntropy,
        TracingAudit,
    },
    credentials::{AccountStores, Accounts, PasswordCredential},
    rbac::{PolicyBuilder, Rbac, permissions},
    session::{CookiePolicy, EpochCheck, SessionData, SessionPolicy, Sessions},
};
use serde::{Deserialize, Serialize};

permissions! {
    /// What this application lets people do.
    pub enum Permission, mod perm {
        /// Read the reports.
        ReportsRead = "reports.read",
    }
}

/// The password of the two accounts that the example begins with.
pub const PASSWORD: &str = "correct horse battery";

/// How often this session has seen the profile.
#[derive(Default, Serialize, Deserialize)]
struct Visits(u32);

impl SessionData for Visits {
    const SLOT: &'static str = "visits";
    const VERSION: u16 = 1;

    /// Two tabs at once: both count.
    fn merge(base: Option<Self>, ours: Self, theirs: Self) -> Option<Self> {
        let counted = ours.0.saturating_sub(base.unwrap_or_default().0);
        Some(Self(theirs.0.saturating_add(counted)))
    }
}

#[derive(Deserialize)]
struct Credentials {
    email: String,
    password: String,
}

#[derive(Deserialize)]
struct WayBack {
    next: Option<String>,
}

/// The routes, for an `App` that is wrapped in [`Auth::middleware`].
pub fn routes(config: &mut ServiceConfig) {
    config
        .app_data(FormConfig::default().limit(8 * 1024))
        .route("/login", web::get().to(login_page))
        .route("/login", web::post().to(log_in))
        .route("/logout", web::post().to(log_out))
        .route("/profile", web::get().to(profile))
        .route("/reports", web::get().to(reports));
}

async fn login_page() -> impl Responder {
    login_form(HttpResponse::Ok(), "")
}

/// The form goes to the address that it is shown at, so `next` stays.
fn login_form(mut answer: HttpResponseBuilder, message: &str) -> HttpResponse {
    answer.content_type("text/html; charset=utf-8").body(format!(
        "<!doctype html><html lang=en><title>Log in</title><h1>Log in</h1>{message}<form method=post>\
         <label>E-mail <input type=email name=email required autocomplete=username></label> \
         <label>Password <input type=password name=password required autocomplete=current-password></label> \
         <button>Log in</button></form></html>",
    ))
}

async fn log_in(
    accounts: Data<Accounts>,
    visit: Visit,
    Query(way): Query<WayBack>,
    Form(form): Form<Credentials>,
) -> Result<HttpResponse, Refusal> {
    // Before the password is looked at: another site must not even try.
    visit.may_log_in()?;
    let next = way.next.as_deref().and_then(NextPath::parse);
    let presented = PasswordCredential::typed(&form.email, form.password, visit.source());
    match accounts.log_in(presented).await.map_err(Refusal::from) {
        Ok(LoginOutcome::Complete(login)) => {
            visit.log_in(login).await?;
            Ok(see_other(next.as_ref().map_or("/profile", NextPath::as_str)))
        }
        // This application asks for a password and nothing else.
        Ok(LoginOutcome::Pending(_)) => Err(Refusal::unauthenticated()),
        Err(refusal) if matches!(refusal.kind(), Kind::Rejected(_)) => {
            let message = "<p role=alert>This address and password do not belong together.";
            Ok(login_form(HttpResponse::Unauthorized(), message))
        }
        Err(refusal) => Err(refusal),
    }
}

async fn log_out(visit: Visit) -> Result<HttpResponse, Refusal> {
    visit.log_out().await?;
    Ok(see_other("/login"))
}

async fn profile(user: CurrentUser, visits: Session<Visits>) -> Result<String, Refusal> {
    let Visits(before) = visits.get().await?.unwrap_or_default();
    let count = before.saturating_add(1);
    visits.set(&Visits(count)).await?;
    Ok(format!("You are {}. Visits in this session: {count}.\n", user.principal().id()))
}

async fn reports(permit: Require<perm::ReportsRead>) -> String {
    format!("The reports, for {} only.\n", permit.0.principal().id())
}

fn see_other(path: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((header::LOCATION, path)).finish()
}

/// Puts the parts together, with two accounts: ann, and bob who may read the reports.
///
/// # Errors
/// Whatever one of the parts refuses.
pub async fn build(listen: SocketAddr) -> Result<(Auth, Data<Accounts>), Box<dyn Error>> {
    let public = PublicUrl::plain_http_loopback(&format!("http://{listen}"), listen)?;
    // Everything is in memory, so the key may be too: who is logged in ends with the process.
    let keys = Arc::new(KeyRing::generate(KeyName::from_static("process"), &SystemEntropy)?);
    let audit: Arc<dyn AuditSink> = Arc::new(TracingAudit);
    let directory = Arc::new(MemoryAccounts::new(1_000));
    let counters: Arc<dyn CounterStore> = Arc::new(MemoryCounters::new(4_096));

    let stores = AccountStores::new(Arc::clone(&directory));
    let accounts = Accounts::password_only(stores, counters, Arc::clone(&audit))?;
    for email in ["ann@example.com", "bob@example.com"] {
        accounts.sign_up(PasswordCredential::typed(email, PASSWORD.to_owned(), None)).await?;
    }

    let mut policy = PolicyBuilder::new();
    policy.permissions::<Permission>()?;
    policy.role("analyst")?.allow(Permission::ReportsRead)?;
    let bob = directory.by_login(&Realm::LOCAL, &LoginName::from_static("bob@example.com")).await?;
    policy.assign(&bob.ok_or("bob has no account")?.id, "analyst")?;
    let rbac = Rbac::new(policy.build(PolicyVersion::new(1))?);

    let sessions = Sessions::new(
        Arc::new(MemorySessions::new(10_000)),
        keys,
        EpochCheck::by(Arc::new(AccountEpochs(directory))),
        audit,
        SessionPolicy::aal1(CookiePolicy::plain_http_loopback(public.origin())?),
    );
    let auth = Auth::builder(public, sessions).authorizer(Arc::new(rbac)).login_page("/login")?.build()?;
    Ok((auth, Data::new(accounts)))
}

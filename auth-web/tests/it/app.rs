//! A small application, whose session store can be made to fail.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex},
    time::Duration,
};

use auth_web::{
    ApiKey, Auth, AuthBuilder, Bearer, CurrentUser, MaybeUser, PublicUrl, Refusal, Require, Session, Visit,
    axum08::{Mounted, Worded},
    core::{
        AuditEvent, AuditSink, AuthEpoch, ClientLabel, KeyName, KeyRing, MemoryAudit, MemorySessions, Method,
        Page, Permission as _, PolicyVersion, PrincipalId, Purpose, Realm, RejectionReason, Resource, Scopes,
        Secret, TracingAudit, UnixTime,
        testing::{FailWith, FailingStore, SteppedClock, login_as},
    },
    jwt::{Audience, BearerAuthenticator, ClientId, Hs256Key, Issuer, TokenIssuer, TokenPolicy, Verifier},
    rbac::{PolicyBuilder, Rbac},
    session::{
        ClientCheck, CookieName, CookiePolicy, CookieTemplate, EpochCheck, Flash, SessionData, SessionPolicy,
        Sessions, StartOptions, Target, WhenClientChanges,
    },
    testing,
};
use axum::{
    Form, Json, Router,
    body::{Body, Bytes, to_bytes},
    extract::{ConnectInfo, FromRef, State},
    http::{HeaderMap, Request, StatusCode},
    routing::{get, post},
};
use serde::{Deserialize, Serialize};
use tower::ServiceExt;

pub const START: UnixTime = UnixTime::from_secs(1_800_000_000);
pub const ORIGIN: &str = "https://app.example.com";
pub const PEER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)), 1234);

auth_web::rbac::permissions! {
    /// Permissions.
    pub enum Permission, mod perm {
        /// See accounts.
        UsersRead = "users.read",
        /// Delete accounts.
        UsersDelete = "users.delete",
    }
}

/// Whoever may delete an account may act for its owner.
impl auth_web::session::Impersonation for perm::UsersDelete {}

#[derive(Default, Serialize, Deserialize)]
pub struct Count(pub u32);

impl SessionData for Count {
    const SLOT: &'static str = "count";
    const VERSION: u16 = 1;
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

#[derive(Clone)]
struct App {
    clock: SteppedClock,
    store: Arc<FailingStore<MemorySessions>>,
    kept: Arc<Mutex<Option<Visit>>>,
    rbac: Rbac,
}

impl FromRef<Mounted<App>> for App {
    fn from_ref(mounted: &Mounted<App>) -> Self {
        mounted.app().clone()
    }
}

pub struct Fixture {
    pub router: Router,
    pub store: Arc<FailingStore<MemorySessions>>,
    pub audit: Arc<MemoryAudit>,
    pub clock: SteppedClock,
    pub tokens: TokenIssuer,
    pub kept: Arc<Mutex<Option<Visit>>>,
    pub auth: Auth,
}

pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub fn cookie(&self) -> String {
        self.cookies().into_iter().next().expect("a cookie")
    }

    pub fn cookies(&self) -> Vec<String> {
        let lines = self.headers.get_all("set-cookie").iter();
        lines.map(|line| line.to_str().unwrap().split(';').next().unwrap().to_owned()).collect()
    }
}

pub fn ann() -> PrincipalId {
    user("ann")
}

fn user(name: &str) -> PrincipalId {
    PrincipalId::local_user(name).unwrap()
}

/// Keeps events and tells them to `tracing`.
struct Both(Arc<MemoryAudit>);

impl AuditSink for Both {
    fn record(&self, at: UnixTime, event: &AuditEvent) {
        self.0.record(at, event);
        TracingAudit.record(at, event);
    }
}

/// The cookie of access tokens, where it is asked for.
pub fn access_cookie() -> CookieTemplate {
    CookieTemplate::new(CookieName::parse("__Host-access").unwrap())
}

pub fn fixture() -> Fixture {
    fixture_with(|auth| auth)
}

pub fn fixture_with(set_up: impl FnOnce(AuthBuilder) -> AuthBuilder) -> Fixture {
    let clock = SteppedClock::new(START);
    let audit = Arc::new(MemoryAudit::new(1_000));
    let sink: Arc<dyn AuditSink> = Arc::new(Both(Arc::clone(&audit)));
    let keys =
        Arc::new(KeyRing::new(KeyName::from_static("k"), Secret::new((7..).take(32).collect())).unwrap());
    let store = Arc::new(FailingStore::new(MemorySessions::new(1_000)));
    let sessions = Sessions::new(
        Arc::clone(&store) as _,
        Arc::clone(&keys),
        EpochCheck::by_session_store_only(),
        Arc::clone(&sink),
        SessionPolicy::aal1(CookiePolicy::default())
            .with_client_check(ClientCheck::off().on_user_agent(WhenClientChanges::Challenge)),
    )
    .with_clock(Arc::new(clock.clone()));

    let key = Hs256Key::derived(&keys.derive(Purpose::new("tokens")));
    let (issuer, audience) = (Issuer::new(ORIGIN).unwrap(), Audience::new(ORIGIN).unwrap());
    let verifier = Verifier::new(key.clone(), TokenPolicy::access_token(issuer.clone(), audience.clone()));
    let bearer = BearerAuthenticator::new(verifier)
        .local_issuer(Realm::LOCAL)
        .unwrap()
        .with_clock(Arc::new(clock.clone()));
    let tokens =
        TokenIssuer::new(key, issuer, audience, ClientId::new("test").unwrap()).with_audit(Arc::clone(&sink));

    let mut policy = PolicyBuilder::new();
    policy.permissions::<Permission>().unwrap();
    policy.role("reader").unwrap().allow(Permission::UsersRead).unwrap();
    policy.assign(&ann(), "reader").unwrap();
    policy.role("support").unwrap().allow(Permission::UsersDelete).unwrap();
    policy.assign(&user("boss"), "reader").unwrap();
    policy.assign(&user("boss"), "support").unwrap();
    let rbac = Rbac::new(policy.build(PolicyVersion::new(1)).unwrap());

    let builder = Auth::builder(PublicUrl::https(ORIGIN).unwrap(), sessions)
        .bearer(bearer)
        .authorizer(Arc::new(rbac.clone()))
        .login_page("/login")
        .unwrap()
        .audit(Arc::clone(&sink))
        .clock(Arc::new(clock.clone()));
    let auth = set_up(builder).build().unwrap();
    let kept = Arc::default();
    let router = auth.clone().mount(
        routes(),
        App { clock: clock.clone(), store: Arc::clone(&store), kept: Arc::clone(&kept), rbac },
    );
    Fixture { router, store, audit, clock, tokens, kept, auth }
}

fn routes() -> Router<Mounted<App>> {
    Router::new()
        .route("/open", get(async || "open"))
        .route(
            "/maybe",
            get(async |MaybeUser(user): MaybeUser| {
                user.map_or("nobody".to_owned(), |u| u.principal().id().to_owned())
            }),
        )
        .route(
            "/option",
            get(async |user: Option<CurrentUser>| {
                user.map_or("nobody".to_owned(), |u| u.principal().id().to_owned())
            }),
        )
        .route("/user", get(async |user: CurrentUser| user.principal().id().to_owned()))
        .route("/bearer", get(async |user: Bearer| user.principal().id().to_owned()))
        .route("/key", get(async |user: ApiKey| user.principal().id().to_owned()))
        .route("/read", get(async |permit: Require<perm::UsersRead>| permit.0.action().to_string()))
        .route("/delete", post(async |permit: Require<perm::UsersDelete>| permit.0.action().to_string()))
        .route(
            "/wrong-kind",
            get(async |visit: Visit| {
                let resource = Resource::any(auth_web::core::ResourceKind::from_static("invoices"));
                visit.require::<perm::UsersRead>(&resource).await.map(|_| "allowed")
            }),
        )
        .route("/login", post(log_in).get(async |_: MaybeUser, visit: Visit| visit.form_token()))
        .route("/login-by-get", get(log_in))
        .route(
            "/logout-by-get",
            get(async |visit: Visit| visit.log_out().await.map(|ended| ended.to_string())),
        )
        .route("/logout", post(async |visit: Visit| visit.log_out().await.map(|ended| ended.to_string())))
        .route("/page-with-a-form", get(async |visit: Visit| visit.form_token()))
        .route(
            "/logout-by-form",
            post(async |visit: Visit, body: String| {
                visit.may_act_by(Some(&body))?;
                visit.log_out().await.map(|ended| ended.to_string())
            }),
        )
        .route("/login-as-boss-on-phone", post(log_in_on_phone))
        .route(
            "/fresh",
            get(async |visit: Visit| {
                visit
                    .require_fresh(Duration::from_secs(600))
                    .await
                    .map(|user| user.principal().id().to_owned())
            }),
        )
        .route("/devices", get(devices))
        .route("/end-others", post(end_others))
        .route("/act-as-ann", post(act_as_ann))
        .route("/say", post(async |visit: Visit| visit.flash(Flash::success("said")).await))
        .route(
            "/heard",
            get(async |visit: Visit| {
                visit
                    .take_flashes()
                    .await
                    .map(|said| said.into_iter().map(|flash| flash.text).collect::<String>())
            }),
        )
        .route("/count", get(count))
        .route("/count-anew", post(async |slot: Session<Count>| slot.remove().await))
        .route(
            "/count-and-fail",
            get(async |slot: Session<Count>| {
                slot.set(&Count(100)).await?;
                Ok::<_, Refusal>(StatusCode::INTERNAL_SERVER_ERROR)
            }),
        )
        .route(
            "/count-and-panic",
            get(async |slot: Session<Count>| {
                slot.set(&Count(100)).await.unwrap();
                if slot.get().await.is_ok_and(|set: Option<Count>| set.is_some()) {
                    panic!("a bug of the application");
                }
            }),
        )
        .route(
            "/count-and-wait",
            get(async |slot: Session<Count>| {
                slot.set(&Count(100)).await.unwrap();
                std::future::pending::<()>().await;
            }),
        )
        .route("/cached", get(async |_: MaybeUser| ([("cache-control", "private, max-age=60")], "cached")))
        .route(
            "/count-then-store-fails",
            get(async |State(app): State<App>, slot: Session<Count>| {
                slot.set(&Count(9)).await?;
                app.store.fail_with(Some(FailWith::NotWritten));
                Ok::<_, Refusal>("saved")
            }),
        )
        .route(
            "/keep-visit",
            get(async |State(app): State<App>, visit: Visit| {
                *app.kept.lock().unwrap() = Some(visit);
                "kept"
            }),
        )
        .route(
            "/maybe-and-bearer",
            get(async |visit: Visit| {
                let refused = visit.user().await.is_err();
                visit.require_bearer().await.map(|_| refused.to_string())
            }),
        )
        .route(
            "/bearer-token",
            get(async |visit: Visit| format!("{:?}", visit.bearer_token().map(|t| t.expose().to_owned()))),
        )
        .route("/may-log-in", post(async |visit: Visit| visit.may_log_in()))
        .route("/marked", get(async |_: CurrentUser| "never"))
        .layer(axum::middleware::map_response(async |mut response: axum::response::Response| {
            response.headers_mut().insert("x-request-id", axum::http::HeaderValue::from_static("7"));
            response
        }))
        .route("/source", get(async |visit: Visit| format!("{:?}", visit.source())))
        .route(
            "/sum",
            post(async |Worded(Json(numbers)): Worded<Json<Vec<u32>>>| {
                numbers.iter().sum::<u32>().to_string()
            }),
        )
        .route("/form", post(async |Worded(Form(form)): Worded<Form<Named>>| form.name))
        .route(
            "/own-words",
            post(async |_: Worded<Bytes>| (StatusCode::UNPROCESSABLE_ENTITY, "the name is too long")),
        )
}

/// The body is the form's token, if it has one.
async fn log_in(State(app): State<App>, visit: Visit, body: String) -> Result<String, Refusal> {
    if body == "who am I?" {
        return Ok(format!("{:?}", visit.user().await?.is_some()));
    }
    visit.may_log_in_by(Some(&body))?;
    let now = auth_web::core::Clock::now(&app.clock);
    Ok(visit.log_in(login_as(&ann(), now)).await?.to_string())
}

async fn log_in_on_phone(State(app): State<App>, visit: Visit) -> Result<String, Refusal> {
    let now = auth_web::core::Clock::now(&app.clock);
    let options = StartOptions::new().remembered().on_device(ClientLabel::from_static("Phone"));
    Ok(visit.log_in_with(login_as(&user("boss"), now), options).await?.to_string())
}

async fn devices(visit: Visit) -> Result<String, Refusal> {
    let devices = visit.devices(Page::first()).await?.into_iter();
    let shown = devices.map(|device| {
        let terms = device.session.terms.as_ref();
        let name = terms.and_then(|terms| terms.device.as_ref()).map_or("?", ClientLabel::as_str);
        format!("{name} {};", device.is_current)
    });
    Ok(shown.collect())
}

async fn end_others(visit: Visit) -> Result<String, Refusal> {
    let mut ended = 0;
    for device in visit.devices(Page::first()).await? {
        if !device.is_current && visit.end_device(&device.session.id).await? {
            ended += 1;
        }
    }
    Ok(ended.to_string())
}

async fn act_as_ann(State(app): State<App>, visit: Visit) -> Result<String, Refusal> {
    let ann = ann();
    let resource = Resource::one(perm::UsersDelete::RESOURCE, "ann").unwrap();
    let permit = visit.require::<perm::UsersDelete>(&resource).await?;
    let target = Target { principal: &ann, epoch: AuthEpoch::ZERO };
    Ok(visit.impersonate(permit, target, &app.rbac).await?.to_string())
}

async fn count(slot: Session<Count>) -> Result<String, Refusal> {
    let Count(before) = slot.get().await?.unwrap_or_default();
    slot.set(&Count(before + 1)).await?;
    Ok((before + 1).to_string())
}

impl Fixture {
    pub async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.send_body(method, path, headers, String::new()).await
    }

    pub async fn send_body(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(Body::from(body)).unwrap();
        request.extensions_mut().insert(ConnectInfo(PEER));
        self.answer(request).await
    }

    pub async fn answer(&self, request: Request<Body>) -> Answer {
        let (parts, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        let body = to_bytes(body, 1 << 20).await.unwrap();
        Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    pub async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.send("GET", path, headers).await
    }

    pub async fn log_in(&self) -> String {
        testing::login_as(&self.auth, &ann()).await.unwrap()
    }

    pub fn token(&self, scopes: Option<&str>) -> String {
        let Some(scopes) = scopes else { return testing::bearer_as(&self.tokens, &ann(), START).unwrap() };
        let login = login_as(&ann(), START);
        let token = self.tokens.for_login(&login).with_scopes(Scopes::parse(scopes).unwrap());
        format!("Bearer {}", token.sign(START).unwrap().token().expose())
    }

    /// Why tokens were refused, as the audit log has it.
    pub fn refused_tokens(&self) -> Vec<RejectionReason> {
        let events = self.audit.events();
        let reasons = events.into_iter().filter_map(|(_, event)| match event {
            AuditEvent::CredentialRefused { reason, method, principal: None, source }
                if method == Method::BEARER_TOKEN =>
            {
                assert_eq!(source, Some(PEER.ip()));
                Some(reason)
            }
            _ => None,
        });
        reasons.collect()
    }

    pub fn step(&self, secs: u64) {
        self.clock.step(Duration::from_secs(secs));
    }
}

//! A short access token in the page's memory, and a refresh token in a cookie: the three routes that it takes.

use std::sync::Arc;

use auth_web::{
    Auth, Bearer, Refusal, Visit,
    axum08::Mounted,
    core::{Clock, SessionTerms, UnixTime, testing::SteppedClock, testing::login_as},
    jwt::TokenIssuer,
    session::{RefreshCookie, RefreshError, RefreshPolicy, RefreshTokens},
};
use axum::{
    Router,
    extract::{FromRef, State},
    http::{HeaderMap, HeaderName, header},
    routing::{get, post},
};

use crate::app::{Fixture, ORIGIN, START, ann, fixture};

#[derive(Clone)]
struct Api {
    tokens: RefreshTokens,
    issuer: Arc<TokenIssuer>,
    cookie: RefreshCookie,
    clock: SteppedClock,
}

impl FromRef<Mounted<Api>> for Api {
    fn from_ref(mounted: &Mounted<Api>) -> Self {
        mounted.app().clone()
    }
}

type Answer = Result<([(HeaderName, String); 2], String), Refusal>;

impl Api {
    fn now(&self) -> UnixTime {
        self.clock.now()
    }

    /// The access token for the page, and the refresh token for the cookie.
    fn answer(&self, token: &auth_web::session::RefreshToken, live: &auth_web::core::LiveSession) -> Answer {
        let access = self.issuer.for_session(live).sign(self.now()).unwrap();
        let cookie = self.cookie.set(token, live.ends_at().since(self.now()));
        let headers = [
            (header::SET_COOKIE, cookie.expose().to_owned()),
            (header::CACHE_CONTROL, "no-store".to_owned()),
        ];
        Ok((headers, access.token().expose().to_owned()))
    }

    fn presented(&self, headers: &HeaderMap) -> Result<auth_web::session::RefreshToken, Refusal> {
        let lines: Vec<_> = headers.get_all(header::COOKIE).iter().map(|line| line.as_bytes()).collect();
        self.cookie.read(lines)?.ok_or(auth_web::core::Refusal::Unauthenticated.into())
    }
}

async fn log_in(State(api): State<Api>, visit: Visit) -> Answer {
    visit.may_log_in()?;
    let issued = api.tokens.issue(login_as(&ann(), START), SessionTerms::new()).await;
    let issued = issued.map_err(auth_web::core::Refusal::from)?;
    api.answer(&issued.token, &issued.live)
}

async fn refresh(State(api): State<Api>, headers: HeaderMap) -> Answer {
    let next = api.tokens.refresh(&api.presented(&headers)?).await;
    let next = next.map_err(|error: RefreshError| auth_web::core::Refusal::from(error))?;
    api.answer(&next.token, &next.live)
}

async fn log_out(State(api): State<Api>, headers: HeaderMap) -> Result<[(HeaderName, String); 1], Refusal> {
    api.tokens.revoke(&api.presented(&headers)?).await.map_err(auth_web::core::Refusal::from)?;
    Ok([(header::SET_COOKIE, api.cookie.clear().expose().to_owned())])
}

fn hybrid(mut fixture: Fixture) -> Fixture {
    let auth: Auth = fixture.auth.clone();
    let api = Api {
        tokens: RefreshTokens::new(auth.sessions(), RefreshPolicy::default()),
        issuer: Arc::new(fixture.tokens.clone()),
        cookie: RefreshCookie::at_path("refresh", "/token").unwrap(),
        clock: fixture.clock.clone(),
    };
    let routes = Router::new()
        .route("/token/login", post(log_in))
        .route("/token/refresh", post(refresh))
        .route("/token/logout", post(log_out))
        .route("/me", get(async |user: Bearer| format!("{:?}", user.authentication().at)));
    fixture.router = auth.mount(routes, api);
    fixture
}

#[tokio::test]
async fn a_page_goes_on_with_its_login_by_cookie_and_bearer_token() {
    let fixture = hybrid(fixture());
    assert_eq!(fixture.send("POST", "/token/login", &[]).await.status, 403, "a page of ours must ask");
    let login = fixture.send("POST", "/token/login", &[("origin", ORIGIN)]).await;
    let set = login.header("set-cookie").unwrap();
    assert!(set.starts_with("__Secure-refresh=rt1."), "{set}");
    assert!(set.ends_with("; Path=/token; Secure; HttpOnly; SameSite=Strict"), "{set}");
    let me = async |access: &str| fixture.get("/me", &[("authorization", &format!("Bearer {access}"))]).await;
    let logged_in_at = format!("{START:?}");
    assert_eq!(me(&login.body).await.body, logged_in_at);

    // The access token expires, and the cookie brings another; the login is as old as it is.
    fixture.step(3_600);
    assert_eq!(me(&login.body).await.status, 401);
    let cookie = login.cookie();
    let own = [("cookie", cookie.as_str()), ("origin", ORIGIN)];
    for site in [("origin", "https://evil.example"), ("sec-fetch-site", "same-site")] {
        let other = fixture.send("POST", "/token/refresh", &[("cookie", &cookie), site]).await;
        assert_eq!(other.status, 403);
    }
    // Two tabs at once.
    let (one, two) = tokio::join!(
        fixture.send("POST", "/token/refresh", &own),
        fixture.send("POST", "/token/refresh", &own)
    );
    assert_eq!(one.cookie(), two.cookie());
    assert_ne!(one.cookie(), cookie);
    for tab in [&one, &two] {
        assert_eq!(me(&tab.body).await.body, logged_in_at);
        assert_eq!(tab.header("cache-control"), Some("no-store"));
    }

    // A copy of the first cookie comes back later: nobody goes on, and no cookie is touched.
    fixture.step(3_600);
    let late = fixture.send("POST", "/token/refresh", &own).await;
    assert_eq!((late.status, late.header("set-cookie")), (401, None));
    let next = one.cookie();
    let after = fixture.send("POST", "/token/refresh", &[("cookie", &next), ("origin", ORIGIN)]).await;
    assert_eq!((after.status, after.header("set-cookie")), (401, None));
    assert!(fixture.audit.has("session.replayed"));
}

#[tokio::test]
async fn logging_out_ends_the_refresh_token_and_clears_its_cookie() {
    let fixture = hybrid(fixture());
    let cookie = fixture.send("POST", "/token/login", &[("origin", ORIGIN)]).await.cookie();
    let own = [("cookie", cookie.as_str()), ("origin", ORIGIN)];
    let logout = fixture.send("POST", "/token/logout", &own).await;
    assert!(logout.header("set-cookie").unwrap().starts_with("__Secure-refresh=; Path=/token; Secure"));
    assert_eq!(fixture.send("POST", "/token/refresh", &own).await.status, 401);
    let forged = format!("{}A", &cookie[..cookie.len() - 1]);
    let again = fixture.send("POST", "/token/logout", &[("cookie", &forged), ("origin", ORIGIN)]).await;
    assert_eq!(again.status, 200, "what is unknown is no error");
}

//! What a request does to its session: devices, freshness, messages, other clients, acting as somebody else.

use auth_web::core::testing::FailWith;

use crate::app::{ORIGIN, fixture};

const FIREFOX: (&str, &str) = ("user-agent", "Firefox");

#[tokio::test]
async fn devices_are_named_marked_and_ended() {
    let fixture = fixture();
    let mut cookies = Vec::new();
    for _ in 0..2 {
        let login = fixture.send("POST", "/login-as-boss-on-phone", &[("origin", ORIGIN)]).await;
        assert!(login.header("set-cookie").unwrap().contains("; Max-Age="), "remembered");
        cookies.push(login.cookie());
        fixture.step(1);
    }
    let own = [("cookie", cookies[0].as_str()), ("origin", ORIGIN)];
    assert_eq!(fixture.get("/devices", &own).await.body, "Phone false;Phone true;");
    assert_eq!(fixture.send("POST", "/end-others", &own).await.body, "1");
    assert_eq!(fixture.get("/devices", &own).await.body, "Phone true;");
    assert_eq!(fixture.get("/maybe", &[("cookie", &cookies[1])]).await.body, "nobody");
    assert_eq!(fixture.get("/devices", &[]).await.body, "");
}

/// RFC 9470 section 3: what would help is said, and logging in again helps.
#[tokio::test]
async fn what_asks_for_a_fresh_login_says_so() {
    let fixture = fixture();
    let cookie = fixture.log_in().await;
    assert_eq!(fixture.get("/fresh", &[("cookie", &cookie)]).await.body, "ann");
    fixture.step(601);
    let stale = fixture.get("/fresh", &[("cookie", &cookie)]).await;
    assert_eq!(stale.status, 401);
    let challenge = stale.header("www-authenticate").unwrap();
    assert!(
        challenge.contains("insufficient_user_authentication") && challenge.contains("max_age"),
        "{challenge}"
    );
    assert_eq!(fixture.get("/user", &[("cookie", &cookie)]).await.body, "ann");
    let again = fixture.send("POST", "/login", &[("cookie", &cookie), ("origin", ORIGIN)]).await.cookie();
    assert_eq!(fixture.get("/fresh", &[("cookie", &again)]).await.body, "ann");
}

#[tokio::test]
async fn a_message_waits_for_the_next_page_and_no_longer() {
    let fixture = fixture();
    let cookie = fixture.log_in().await;
    let own = [("cookie", cookie.as_str()), ("origin", ORIGIN)];
    assert_eq!(fixture.send("POST", "/say", &own).await.status, 200);
    assert_eq!(fixture.get("/heard", &own).await.body, "said");
    assert_eq!(fixture.get("/heard", &own).await.body, "");
}

/// The header reaches the check, and its answer reaches every extractor: a challenge is not "nobody".
#[tokio::test]
async fn another_client_is_challenged_by_every_extractor() {
    let fixture = fixture();
    let cookie = fixture.send("POST", "/login", &[("origin", ORIGIN), FIREFOX]).await.cookie();
    let with = |agent| [("cookie", cookie.as_str()), ("user-agent", agent), ("origin", ORIGIN)];
    assert_eq!(fixture.get("/user", &with("Firefox")).await.body, "ann");
    for path in ["/user", "/maybe", "/option", "/read", "/fresh"] {
        let challenged = fixture.get(path, &with("curl")).await;
        assert_eq!((challenged.status, challenged.header("set-cookie")), (401, None), "{path}");
        let challenge = challenged.header("www-authenticate").unwrap();
        assert!(challenge.contains("insufficient_user_authentication"), "{challenge}");
    }
    assert_eq!(fixture.get("/open", &with("curl")).await.body, "open");
    assert_eq!(fixture.get("/devices", &with("curl")).await.body, "");
    let again = fixture.send("POST", "/login", &with("curl")).await.cookie();
    assert_eq!(fixture.get("/user", &[("cookie", &again), ("user-agent", "curl")]).await.body, "ann");
    assert_eq!(fixture.get("/maybe", &with("Firefox")).await.body, "nobody", "it took the other's place");
}

/// Who has the permit and covers the other acts; the other way round, the permit is lacking.
#[tokio::test]
async fn a_boss_acts_as_somebody_and_nobody_acts_as_the_boss() {
    let fixture = fixture();
    let boss = fixture.send("POST", "/login-as-boss-on-phone", &[("origin", ORIGIN)]).await.cookie();
    let own = [("cookie", boss.as_str()), ("origin", ORIGIN)];
    let acting = fixture.send("POST", "/act-as-ann", &own).await.cookie();
    assert_eq!(fixture.get("/user", &[("cookie", &acting)]).await.body, "ann");
    assert_eq!(fixture.get("/maybe", &own).await.body, "nobody");
    assert!(fixture.audit.has("session.impersonated"));
    let ann = fixture.log_in().await;
    let refused = fixture.send("POST", "/act-as-ann", &[("cookie", &ann), ("origin", ORIGIN)]).await;
    assert_eq!(refused.status, 403);
    assert_eq!(fixture.send("POST", "/act-as-ann", &[("origin", ORIGIN)]).await.status, 401);
}

/// A person who is challenged has to reach the login page, although it asks who they are: a redirect from there to there
/// would never end.
#[tokio::test]
async fn a_challenged_person_reaches_the_login_page() {
    let fixture = fixture();
    let cookie = fixture.send("POST", "/login", &[("origin", ORIGIN), FIREFOX]).await.cookie();
    let person = [("cookie", cookie.as_str()), ("user-agent", "curl"), ("accept", "text/html")];
    let sent = fixture.get("/user", &person).await;
    assert_eq!((sent.status, sent.header("location")), (303, Some("/login?next=/user")));
    assert_eq!(fixture.get("/login", &person).await.status, 200);
}

/// Whoever has only the cookie does not know which `User-Agent` goes with it. To send none must not be a way around.
#[tokio::test]
async fn to_leave_out_the_user_agent_is_to_change_it() {
    let fixture = fixture();
    let cookie = fixture.send("POST", "/login", &[("origin", ORIGIN), FIREFOX]).await.cookie();
    let own = ("cookie", cookie.as_str());
    assert_eq!(fixture.get("/user", &[own, FIREFOX]).await.status, 200);
    assert_eq!(fixture.get("/user", &[own]).await.status, 401);
    assert_eq!(fixture.get("/user", &[own, FIREFOX, FIREFOX]).await.status, 401);
}

/// Neither a link nor an image elsewhere logs anybody out, even where a route is careless.
#[tokio::test]
async fn no_other_site_logs_anybody_out_by_get() {
    let fixture = fixture();
    let cookie = fixture.log_in().await;
    for site in ["cross-site", "same-site"] {
        let headers = [("cookie", cookie.as_str()), ("sec-fetch-site", site)];
        assert_eq!(fixture.get("/logout-by-get", &headers).await.status, 403, "{site}");
    }
    assert_eq!(fixture.get("/logout-by-get", &[("cookie", &cookie)]).await.status, 403);
    assert_eq!(fixture.get("/user", &[("cookie", &cookie)]).await.body, "ann");
    let own = [("cookie", cookie.as_str()), ("sec-fetch-site", "same-origin")];
    assert_eq!(fixture.get("/logout-by-get", &own).await.body, "true");
}

/// A row that the store cannot read is 503 for whoever asks who is there, on every route but those by which its browser
/// gets rid of it: otherwise it would be locked out until the row's deadline.
#[tokio::test]
async fn a_browser_whose_session_cannot_be_read_can_log_in_and_out() {
    for path in ["/login", "/logout"] {
        let fixture = fixture();
        let cookie = fixture.log_in().await;
        fixture.store.fail_with(Some(FailWith::Corrupt));
        for route in ["/user", "/maybe"] {
            let answer = fixture.get(route, &[("cookie", &cookie)]).await;
            assert_eq!((answer.status, answer.header("set-cookie")), (503, None), "{route}");
        }
        let form = fixture.get("/login", &[("cookie", &cookie), ("accept", "text/html")]).await;
        assert_eq!(form.status, 200);
        assert!(form.header("set-cookie").is_none_or(|line| line.starts_with("__Host-form=")));
        let answer = fixture.send("POST", path, &[("cookie", &cookie), ("origin", ORIGIN)]).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        fixture.store.fail_with(None);
        let (after, who) = (answer.cookie(), if path == "/login" { "ann" } else { "nobody" });
        assert_ne!(after, cookie);
        assert_eq!(fixture.get("/maybe", &[("cookie", &after)]).await.body, who);
        assert_eq!(fixture.get("/maybe", &[("cookie", &cookie)]).await.body, "nobody");
        assert_eq!(fixture.store.inner().len(), usize::from(path == "/login"));
    }
}

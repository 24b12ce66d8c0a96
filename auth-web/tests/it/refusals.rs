//! What goes wrong is said as the table of failures has it, by every extractor.

use auth_web::core::{RejectionReason, testing::FailWith};

use crate::app::{ORIGIN, fixture};

/// A store that fails is 503 for every extractor, also for those that take nobody.
#[tokio::test]
async fn a_dead_store_is_503_and_never_nobody() {
    let fixture = fixture();
    let cookie = fixture.log_in().await;
    for how in [FailWith::NotWritten, FailWith::Timeout, FailWith::LostAnswer, FailWith::Full] {
        fixture.store.fail_with(Some(how));
        for path in ["/maybe", "/option", "/user", "/read", "/count"] {
            let answer = fixture.get(path, &[("cookie", &cookie)]).await;
            assert_eq!(answer.status, 503, "{path} {how:?}");
            assert_eq!(answer.header("set-cookie"), None, "the cookie may be good: {path}");
        }
        assert_eq!(
            fixture.get("/open", &[("cookie", &cookie)]).await.status,
            200,
            "not asked, not answered for"
        );
        let login = fixture.send("POST", "/login", &[("origin", ORIGIN)]).await;
        assert_eq!((login.status, login.header("set-cookie")), (503, None));
        let logout = fixture.send("POST", "/logout", &[("cookie", &cookie), ("origin", ORIGIN)]).await;
        assert_eq!((logout.status, logout.header("set-cookie")), (503, None), "log out can be tried again");
    }
    fixture.store.fail_with(None);
    assert_eq!(fixture.get("/user", &[("cookie", &cookie)]).await.body, "ann");
}

#[tokio::test]
async fn nobody_is_not_the_same_as_refused() {
    let fixture = fixture();
    for path in ["/maybe", "/option"] {
        assert_eq!(fixture.get(path, &[]).await.body, "nobody");
        let token = fixture.token(None);
        assert_eq!(fixture.get(path, &[("authorization", &token)]).await.body, "ann");
        // Well-formed in every respect, with another signature: only checking it tells.
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let other = if signature.starts_with('A') { "B" } else { "A" };
        let forged = format!("{signed}.{other}{}", &signature[1..]);
        assert_eq!(fixture.get(path, &[("authorization", &forged)]).await.status, 401, "{path}");
    }
    fixture.step(1_000);
    let late = fixture.token(None);
    let answer = fixture.get("/maybe", &[("authorization", &late)]).await;
    assert_eq!(
        (answer.status, answer.header("www-authenticate")),
        (401, Some("Bearer error=\"invalid_token\""))
    );
}

/// Nobody but the audit log learns why a token was refused; without it, a flood of forged ones leaves no trace.
#[tokio::test]
async fn why_a_bearer_token_was_refused_is_written_down_once() {
    let fixture = fixture();
    let (signed, _) =
        fixture.token(None).rsplit_once('.').map(|(s, r)| (s.to_owned(), r.to_owned())).unwrap();
    let forged = format!("{signed}.{}", "A".repeat(43));
    assert_eq!(fixture.get("/maybe-and-bearer", &[("authorization", &forged)]).await.status, 401);
    assert_eq!(fixture.refused_tokens(), [RejectionReason::Signature], "however often it is asked for");
    fixture.step(1_000);
    let late = fixture.token(None);
    for path in ["/maybe", "/user", "/bearer", "/read"] {
        assert_eq!(fixture.get(path, &[("authorization", &late)]).await.status, 401, "{path}");
    }
    let reasons = fixture.refused_tokens();
    assert_eq!(reasons[1..], [RejectionReason::Expired; 4]);
    // Neither a token that is not there, nor one that opens the door.
    fixture.get("/bearer", &[]).await;
    fixture.get("/open", &[("authorization", &forged)]).await;
    assert_eq!(fixture.refused_tokens(), reasons);
}

#[tokio::test]
async fn people_are_sent_to_the_login_page_and_programs_are_told() {
    let fixture = fixture();
    let person = fixture.get("/user?a=1", &[("accept", "text/html,application/xhtml+xml")]).await;
    assert_eq!((person.status, person.header("location")), (303, Some("/login?next=/user%3Fa%3D1")));
    let program = fixture.get("/user", &[("accept", "application/json")]).await;
    assert_eq!((program.status, program.header("content-type")), (401, Some("application/problem+json")));
    let cookie = fixture.log_in().await;
    let denied = fixture
        .send("POST", "/delete", &[("cookie", &cookie), ("origin", ORIGIN), ("accept", "text/html")])
        .await;
    assert_eq!((denied.status, denied.header("content-type")), (403, Some("text/html; charset=utf-8")));
    assert!(fixture.audit.has("access.denied"));
}

/// A read-only token of somebody who may more only reads.
#[tokio::test]
async fn scopes_limit_and_say_which_one_was_missing() {
    let fixture = fixture();
    let with = |scopes| fixture.token(scopes);
    assert_eq!(fixture.get("/read", &[("authorization", &with(None))]).await.status, 200);
    assert_eq!(fixture.get("/read", &[("authorization", &with(Some("users.read")))]).await.status, 200);
    let other = fixture.get("/read", &[("authorization", &with(Some("profile")))]).await;
    let challenge = "Bearer error=\"insufficient_scope\", scope=\"users.read\"";
    assert_eq!((other.status, other.header("www-authenticate")), (403, Some(challenge)));
    assert_eq!(fixture.get("/wrong-kind", &[("authorization", &with(None))]).await.status, 403);
}

#[tokio::test]
async fn headers_that_cannot_be_read_are_400_before_any_store() {
    let fixture = fixture();
    let cookie = fixture.log_in().await;
    fixture.store.fail_with(Some(auth_web::core::testing::FailWith::NotWritten));
    let twice = format!("{cookie}; {cookie}");
    let huge = "x".repeat(20_000);
    for headers in [
        &[("cookie", twice.as_str())][..],
        &[("cookie", &cookie), ("cookie", &cookie)],
        &[("cookie", &huge)],
        &[("authorization", "Bearer")],
        &[("authorization", "Bearer a"), ("authorization", "Bearer a")],
    ] {
        assert_eq!(fixture.get("/user", headers).await.status, 400);
    }
    // 21: what has not our form does not reach the store.
    assert_eq!(fixture.get("/maybe", &[("cookie", "__Host-sid=junk")]).await.body, "nobody");
}

/// HTTP/2 may send each cookie in a line of its own, and neighbours may plant many.
#[tokio::test]
async fn many_cookie_lines_are_read_and_still_only_one_of_ours() {
    let fixture = fixture();
    let cookie = fixture.log_in().await;
    let mut headers = vec![("cookie", "a=b"); 40];
    headers.push(("cookie", &cookie));
    assert_eq!(fixture.get("/user", &headers).await.body, "ann");
    headers.insert(0, ("cookie", &cookie));
    assert_eq!(fixture.get("/user", &headers).await.status, 400);
}

/// A body that an extractor of the framework refuses is answered like everything else, and what was in it is not
/// quoted back.
#[tokio::test]
async fn a_refused_body_is_worded_like_every_refusal() {
    let fixture = fixture();
    let json = ("content-type", "application/json");
    let form = ("content-type", "application/x-www-form-urlencoded");
    let large = format!("[{}1]", "1,".repeat(1_100_000));
    for (path, header, body, status, code) in [
        ("/sum", json, "[1,<b>", 400, "malformed"),
        ("/sum", json, large.as_str(), 413, "too-large"),
        ("/sum", form, "[1]", 415, "unsupported-media-type"),
        ("/sum", json, r#"["<b>"]"#, 422, "unprocessable"),
        ("/form", form, "nome=<b>", 422, "unprocessable"),
        ("/form", json, "{}", 415, "unsupported-media-type"),
    ] {
        let answer = fixture.send_body("POST", path, &[header], body.to_owned()).await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (status, Some("application/problem+json"))
        );
        assert!(answer.body.contains(&format!(r#""code":"{code}""#)), "{}", answer.body);
        assert!(answer.body.contains(&format!(r#""status":{status}"#)) && !answer.body.contains("<b>"));
        let person = [header, ("accept", "text/html")];
        let page = fixture.send_body("POST", path, &person, body.to_owned()).await;
        assert_eq!((page.status, page.header("content-type")), (status, Some("text/html; charset=utf-8")));
        assert!(!page.body.contains("<b>"));
    }
    assert_eq!(fixture.send_body("POST", "/sum", &[json], "[1,2,3]".to_owned()).await.body, "6");
    assert_eq!(fixture.send_body("POST", "/form", &[form], "name=ann".to_owned()).await.body, "ann");
    let own = fixture.send("POST", "/own-words", &[]).await;
    assert_eq!(
        (own.status, own.body.as_str()),
        (422, "the name is too long"),
        "a handler's own are left alone"
    );
}

/// What a handler said is not so if the session could not be written after it.
#[tokio::test]
async fn data_that_cannot_be_saved_is_not_reported_as_saved() {
    let fixture = fixture();
    let cookie = fixture.log_in().await;
    let answer = fixture.get("/count-then-store-fails", &[("cookie", &cookie)]).await;
    assert_eq!(answer.status, 503);
    fixture.store.fail_with(None);
    assert_eq!(fixture.get("/count", &[("cookie", &cookie)]).await.body, "1");
}

/// A visit that outlives its answer must not pretend to save anything.
#[tokio::test]
async fn a_visit_that_outlives_its_answer_has_no_session() {
    let fixture = fixture();
    let cookie = fixture.log_in().await;
    assert_eq!(fixture.get("/keep-visit", &[("cookie", &cookie)]).await.status, 200);
    let visit = fixture.kept.lock().unwrap().take().unwrap();
    assert_eq!(visit.session_id().await.unwrap_err().status(), 503);
}

/// What others put on a response stays when a refusal takes its place.
#[tokio::test]
async fn headers_of_other_layers_survive_a_refusal() {
    let fixture = fixture();
    let answer = fixture.get("/marked", &[("accept", "text/html")]).await;
    assert_eq!((answer.status, answer.header("x-request-id")), (303, Some("7")));
}

#[tokio::test]
async fn a_nested_application_sends_people_back_to_the_whole_path() {
    let mut fixture = fixture();
    fixture.router = axum::Router::new().nest("/app", fixture.router);
    let answer = fixture.get("/app/user", &[("accept", "text/html")]).await;
    assert_eq!(answer.header("location"), Some("/login?next=/app/user"));
}

#[tokio::test]
async fn another_site_is_refused_before_a_credential_is_looked_at() {
    let fixture = fixture();
    assert_eq!(fixture.send("POST", "/may-log-in", &[]).await.status, 403);
    assert_eq!(fixture.send("POST", "/may-log-in", &[("origin", ORIGIN)]).await.status, 200);
}

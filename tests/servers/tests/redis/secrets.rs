//! What a copy of the server is worth.

use std::sync::Arc;

use auth_core::{
    DiscardAudit, KeyName, KeyRing, PrincipalId, SecretHash, SessionTerms, SystemEntropy, TokenKey,
    TokenRecord, TokenStore,
    testing::{SteppedClock, login_as},
};
use auth_session::{
    CookiePolicy, EpochCheck, Incoming, RefreshPolicy, RefreshTokens, SessionPolicy, Sessions,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use servers::RedisServer;

use crate::support::{all_keys, now, on, raw, token};

/// Everything in the server: the names of the keys, and what is under them.
fn everything(server: &RedisServer) -> Vec<u8> {
    // Or a dump would have its strings in pieces.
    assert_eq!(server.say(&["CONFIG", "SET", "rdbcompression", "no"]), "+OK");
    let mut connection = raw(server);
    let mut all = Vec::new();
    for key in all_keys(server) {
        all.extend_from_slice(key.as_bytes());
        let dump: Vec<u8> = redis::cmd("DUMP").arg(&key).query(&mut connection).unwrap();
        all.extend(dump);
    }
    all
}

fn holds(all: &[u8], part: &[u8]) -> bool {
    assert!(part.len() >= 8, "what is shorter is found by chance");
    all.windows(part.len()).any(|window| window == part)
}

/// What is kept opens nothing: of sessions, refresh tokens and links there are hashes, of the present secrets and of those
/// before.
#[tokio::test]
async fn no_secret_is_in_the_server() {
    let server = RedisServer::start();
    let redis = on(&server).await;
    let keys = Arc::new(KeyRing::generate(KeyName::from_static("k"), &SystemEntropy).unwrap());
    let policy = SessionPolicy::aal1(CookiePolicy::default());
    let (clock, by_store) = (SteppedClock::new(now()), EpochCheck::by_session_store_only());
    let sessions = Sessions::new(Arc::new(redis.sessions()), keys, by_store, Arc::new(DiscardAudit), policy)
        .with_clock(Arc::new(clock.clone()));
    let ann = PrincipalId::local_user("ann").unwrap();

    // Two secrets of one session, the second in place of the first.
    let mut session = sessions.open(&Incoming::nothing()).await.unwrap();
    session.start(login_as(&ann, now())).await.unwrap();
    let cookie_of = |cookie: Option<&auth_session::SetCookie>| -> String {
        let cookie = cookie.expect("a cookie").expose().split(';').next().unwrap().to_owned();
        cookie.split_once('=').unwrap().1.to_owned()
    };
    let first = cookie_of(session.commit().await.cookie());
    let header = format!("__Host-sid={first}");
    let mut session = sessions.open(&sessions.read([header.as_bytes()]).unwrap()).await.unwrap();
    session.rotate().await.unwrap();
    let second = cookie_of(session.commit().await.cookie());

    let refresh = RefreshTokens::new(&sessions, RefreshPolicy::default());
    let issued = refresh.issue(login_as(&ann, now()), SessionTerms::new()).await.unwrap();
    let (issued, live) = (issued.token.expose().to_string(), issued.live.id());

    let link: [u8; 32] = auth_core::entropy_array(&SystemEntropy).unwrap();
    let about = token("ann", 1);
    let key = TokenKey { hash: SecretHash::of(&link), ..about.key };
    let _ = redis.tokens().put(&TokenRecord { key, ..about }, now()).await.unwrap();

    let all = everything(&server);
    let secret_of = |text: &str| text.rsplit_once('.').expect("a secret at the end").1.to_owned();
    // The search finds what is there: ids, and the hashes in the form in which each is kept.
    let second_raw = URL_SAFE_NO_PAD.decode(secret_of(&second)).unwrap();
    assert!(holds(&all, SecretHash::of(&second_raw).as_bytes()), "the hash of the cookie's secret");
    assert!(holds(&all, live.as_bytes()), "the id of the refresh token's session");
    let link_hash = URL_SAFE_NO_PAD.encode(SecretHash::of(&link).as_bytes());
    assert!(holds(&all, link_hash.as_bytes()), "the hash of the link's token");

    for (what, text) in [("first cookie", &first), ("second cookie", &second), ("refresh token", &issued)] {
        let secret = secret_of(text);
        assert!(!holds(&all, text.as_bytes()) && !holds(&all, secret.as_bytes()), "{what}");
        assert!(!holds(&all, &URL_SAFE_NO_PAD.decode(&secret).unwrap()), "{what}");
    }
    assert!(!holds(&all, &link) && !holds(&all, URL_SAFE_NO_PAD.encode(link).as_bytes()));
}

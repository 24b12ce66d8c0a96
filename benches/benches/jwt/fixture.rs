//! The key, the token and the questions, the same for every implementation.

use auth_core::{Clock, SystemClock, SystemEntropy, entropy_array};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

/// One thing to measure.
pub(crate) struct Row {
    /// Case and implementation.
    pub(crate) name: String,
    /// Does it once, and asserts the answer.
    pub(crate) run: Box<dyn FnMut()>,
}

impl Row {
    pub(crate) fn new(name: &str, run: impl FnMut() + 'static) -> Self {
        Self { name: format!("jwt/{name}"), run: Box::new(run) }
    }
}

/// All rows, those of one case not far from each other.
pub(crate) fn rows() -> Vec<Row> {
    let mut rows = crate::ours::rows();
    rows.extend(crate::cached::rows());
    rows.extend(crate::asymmetric::rows());
    #[cfg(feature = "peers")]
    rows.extend(crate::peers::rows());
    // The machine changes while it measures; what is compared is measured at about the same time.
    rows.sort_by(|a, b| case(&a.name).cmp(case(&b.name)));
    rows
}

fn case(name: &str) -> &str {
    name.rsplit_once('/').map_or(name, |(case, _)| case)
}

pub(crate) const KEY: &[u8; 32] = b"0123456789abcdef-a-key-for-bench";
pub(crate) const ISSUER: &str = "https://id.example";
pub(crate) const AUDIENCE: &str = "https://api.example";
pub(crate) const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;
/// 215 bytes. It expires in the year 2096, since one of the peers has no other clock than
/// the system's.
pub(crate) const PAYLOAD: &str = concat!(
    r#"{"iss":"https://id.example","sub":"user-0123456789","aud":"https://api.example","exp":4000000000,"#,
    r#""nbf":1700000000,"iat":1700000000,"jti":"0b5ae0f5e2a14b7c9d","name":"Ann Example","plan":"business-plus","#,
    r#""admin":true}"#
);

/// All claims of the token, as the peer needs them.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Owned {
    pub(crate) iss: String,
    pub(crate) sub: String,
    pub(crate) aud: String,
    pub(crate) exp: u64,
    pub(crate) nbf: u64,
    pub(crate) iat: u64,
    pub(crate) jti: String,
    pub(crate) name: String,
    pub(crate) plan: String,
    pub(crate) admin: bool,
}

pub(crate) type HmacSha256 = Hmac<Sha256>;

pub(crate) fn keyed() -> HmacSha256 {
    HmacSha256::new_from_slice(KEY).unwrap()
}

pub(crate) fn mac(keyed: &HmacSha256, input: &[u8]) -> [u8; 32] {
    keyed.clone().chain_update(input).finalize().into_bytes().into()
}

pub(crate) fn token(header: &str, payload: &str) -> String {
    let input = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    let signature = mac(&keyed(), input.as_bytes());
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// The same token under a signature that is well-formed and wrong.
pub(crate) fn forged(header: &str) -> String {
    let input = token(header, PAYLOAD);
    let input = input.rsplit_once('.').unwrap().0;
    format!("{input}.{}", URL_SAFE_NO_PAD.encode([7; 32]))
}

/// What is refused, by the name of its row.
pub(crate) struct Bad {
    pub(crate) oversized: String,
    pub(crate) malformed: String,
    pub(crate) bad_base64: String,
    pub(crate) bad_json: String,
    pub(crate) wrong_alg: String,
    pub(crate) signature: String,
    pub(crate) new_header: String,
}

impl Bad {
    pub(crate) fn new() -> Self {
        Self {
            oversized: "e".repeat(9_000),
            malformed: token(HEADER, PAYLOAD).replace('.', "-"),
            // The last character of the header; and a header whose last brace is missing.
            bad_base64: token(HEADER, PAYLOAD).replacen("J9.", "J!.", 1),
            bad_json: forged(HEADER.trim_end_matches('}')),
            wrong_alg: forged(r#"{"alg":"HS512","typ":"JWT"}"#),
            signature: forged(HEADER),
            new_header: forged(r#"{"typ":"JWT","alg":"HS256"}"#),
        }
    }
}

/// What is issued: the claims of an access token as `TokenIssuer` writes them.
#[derive(Debug, Serialize)]
pub(crate) struct Issued<'a> {
    pub(crate) iss: &'a str,
    pub(crate) sub: &'a str,
    pub(crate) aud: &'a str,
    pub(crate) exp: u64,
    pub(crate) iat: u64,
    pub(crate) jti: &'a str,
    pub(crate) client_id: &'a str,
    pub(crate) auth_time: u64,
    pub(crate) amr: [&'a str; 1],
    pub(crate) acr: &'a str,
    pub(crate) auth_ctx: Context<'a>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Context<'a> {
    pub(crate) epoch: u64,
    pub(crate) realm: &'a str,
}

pub(crate) const USER: &str = "user-0123456789";
pub(crate) const CLIENT: &str = "web";

pub(crate) fn new_id() -> String {
    URL_SAFE_NO_PAD.encode(entropy_array::<16>(&SystemEntropy).unwrap())
}

/// The same content for those that take a struct, with a new id and the time of now, as `TokenIssuer` does.
pub(crate) fn issued(jti: &str) -> Issued<'_> {
    let now = SystemClock.now().as_secs();
    Issued {
        iss: ISSUER,
        sub: USER,
        aud: AUDIENCE,
        exp: now.wrapping_add(900),
        iat: now,
        jti,
        client_id: CLIENT,
        auth_time: now,
        amr: ["pwd"],
        acr: "aal1",
        auth_ctx: Context { epoch: 0, realm: "local:default" },
    }
}

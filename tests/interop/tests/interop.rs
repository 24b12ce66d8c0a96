//! Keys and tokens in both directions with joserfc (Python) and jose (JavaScript), for every algorithm.
//!
//! A peer is a process that reads and writes a JSON object a line. `./scripts/test` installs both; without them
//! these tests fail.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]

use std::{
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use auth_core::{Secret, SystemEntropy, UnixTime};
use auth_jwt::{
    Algorithm, AnySigningKey, AnyVerifyingKey, Audience, Backend, Ed25519SigningKey, Es256SigningKey,
    Es384SigningKey, Es512SigningKey, Hs256Key, Hs384Key, Hs512Key, Issuer, Jwk, JwsSigner, JwsVerifier,
    KeySet, TokenPolicy, Verified, Verifier, VerifyError,
    aws_lc_rs::{
        Ps256SigningKey, Ps384SigningKey, Ps512SigningKey, Rs256SigningKey, Rs384SigningKey, Rs512SigningKey,
        RsaSize,
    },
    typ,
};
use serde_json::{Value, json};

const NOW: UnixTime = UnixTime::from_secs(1_900_000_000);
const CLAIMS: &str =
    r#"{"iss":"https://id.example","sub":"42","aud":"https://api.example","exp":4000000000}"#;

struct Peer {
    name: &'static str,
    process: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl Peer {
    fn joserfc() -> Self {
        Self::start("joserfc", &[&installed("python/bin/python"), &source("joserfc_peer.py")])
    }

    fn jose() -> Self {
        Self::start("jose", &[Path::new("node"), &installed("node/jose_peer.mjs")])
    }

    fn both() -> [Self; 2] {
        [Self::joserfc(), Self::jose()]
    }

    fn start(name: &'static str, command: &[&Path]) -> Self {
        let mut process = Command::new(command[0])
            .args(&command[1..])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{name} does not start, `./scripts/test` installs it: {error}"));
        let (to, from) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        Self { name, process, to, from: BufReader::new(from) }
    }

    /// What the peer makes of a request, refusals included.
    fn answer(&mut self, request: &Value) -> Value {
        writeln!(self.to, "{request}").unwrap();
        let mut line = String::new();
        self.from.read_line(&mut line).unwrap();
        assert!(!line.is_empty(), "{} has ended; `./scripts/test` installs it", self.name);
        serde_json::from_str(&line).unwrap()
    }

    fn ask(&mut self, request: &Value) -> Value {
        let answer = self.answer(request);
        assert_eq!(answer.get("error"), None, "{}: {request}", self.name);
        answer
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It may have ended by itself; either way it must not be left behind.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn installed(path: &str) -> PathBuf {
    root().join("target/peers").join(path)
}

fn source(path: &str) -> PathBuf {
    root().join("tests/interop/peers").join(path)
}

/// The algorithms under all the names that tokens give them.
fn names() -> impl Iterator<Item = &'static str> {
    Algorithm::ALL.iter().map(|algorithm| algorithm.name()).chain(["Ed25519"])
}

/// The backends that verify an algorithm: both, here.
const BACKENDS: [Backend; 2] = [Backend::RustCrypto, Backend::AwsLcRs];

fn policy() -> TokenPolicy {
    let issuer = Issuer::new("https://id.example").unwrap();
    TokenPolicy::typed(typ("JWT").unwrap(), issuer, Audience::new("https://api.example").unwrap())
}

fn verify(key: AnyVerifyingKey, token: &str) -> Result<String, VerifyError> {
    let verified: Verified = Verifier::new(key, policy()).verify(token, NOW)?;
    Ok(verified.claims().subject().unwrap().to_owned())
}

/// The same token with a character near the end of its payload changed.
fn tampered(token: &str) -> String {
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let (rest, last) = signed.split_at(signed.len().saturating_sub(4));
    let flipped = if last.starts_with('A') { "B" } else { "A" };
    format!("{rest}{flipped}{}.{signature}", &last[1..])
}

#[test]
fn what_they_sign_is_verified_here() {
    for mut peer in Peer::both() {
        for alg in names() {
            let algorithm = Algorithm::named(alg).unwrap();
            let made = peer.ask(&json!({"op": "generate", "alg": alg}));
            let jwk = made.get("public").unwrap_or(&made["private"]).to_string();
            let sign = json!({
                "op": "sign", "alg": alg, "jwk": made["private"], "header": {"typ": "JWT"},
                "claims": serde_json::from_str::<Value>(CLAIMS).unwrap(),
            });
            let signed = peer.ask(&sign);
            let token = signed["token"].as_str().unwrap();
            let flat =
                peer.ask(&json!({"op": "sign-json", "alg": alg, "jwk": made["private"], "payload": "hi"}));
            for backend in BACKENDS {
                let about = format!("{} {alg} {backend:?}", peer.name);
                let key = || Jwk::parse(&jwk).unwrap().verifying_key(algorithm, backend).unwrap();
                assert_eq!(verify(key(), token).as_deref(), Ok("42"), "{about}");
                assert_eq!(verify(key(), &tampered(token)), Err(VerifyError::Signature), "{about}");
                let verified = JwsVerifier::new(key()).flattened(&flat["jws"].to_string()).unwrap();
                assert_eq!(verified.payload(), b"hi", "{about}");
            }
            // Their private key, in our hands: it keeps the name that it came with.
            let known = made.get("public").unwrap_or(&made["private"]);
            for backend in BACKENDS {
                let private = Jwk::parse(&made["private"].to_string()).unwrap();
                let Ok(signing) = private.signing_key(algorithm, backend) else {
                    assert!(backend == Backend::RustCrypto && ["RS", "PS"].contains(&&alg[..2]), "{alg}");
                    continue;
                };
                let token =
                    JwsSigner::new(signing).with_typ("JWT").unwrap().compact(CLAIMS.as_bytes()).unwrap();
                let verify = json!({"op": "verify", "alg": alg, "jwk": known, "token": token});
                assert_eq!(peer.ask(&verify)["claims"]["sub"], "42", "{} {alg} {backend:?}", peer.name);
            }
            let thumbprint = peer.ask(&json!({"op": "thumbprint", "jwk": made["private"]}));
            assert_eq!(thumbprint["thumbprint"], Jwk::parse(&jwk).unwrap().thumbprint().to_string());
        }
    }
}

/// A key of ours, private and public, in the forms in which it leaves.
struct Exported {
    signing: AnySigningKey,
    private_jwk: Secret,
    public_pem: Option<String>,
    private_pem: Option<Secret>,
}

fn key(alg: &str) -> Exported {
    let algorithm = Algorithm::named(alg).unwrap();
    macro_rules! pair {
        ($key:expr) => {{
            let key = $key;
            Exported {
                private_jwk: key.to_jwk(),
                public_pem: Some(key.verifying_key().to_pem()),
                private_pem: Some(key.to_pem()),
                signing: key.into(),
            }
        }};
    }
    macro_rules! secret {
        ($key:ident) => {{
            let mut bytes = vec![0; $key::MIN_LEN];
            auth_core::Entropy::fill(&SystemEntropy, &mut bytes).unwrap();
            let secret = Secret::new(bytes);
            Exported {
                private_jwk: $key::secret_to_jwk(&secret, None).unwrap(),
                public_pem: None,
                private_pem: None,
                signing: $key::new(&secret).unwrap().into(),
            }
        }};
    }
    match algorithm {
        Algorithm::Hs256 => secret!(Hs256Key),
        Algorithm::Hs384 => secret!(Hs384Key),
        Algorithm::Hs512 => secret!(Hs512Key),
        Algorithm::Es256 => pair!(Es256SigningKey::generate(&SystemEntropy).unwrap()),
        Algorithm::Es384 => pair!(Es384SigningKey::generate(&SystemEntropy).unwrap()),
        Algorithm::Es512 => pair!(Es512SigningKey::generate(&SystemEntropy).unwrap()),
        Algorithm::EdDsa if alg == "Ed25519" => {
            pair!(Ed25519SigningKey::generate(&SystemEntropy).unwrap().fully_specified())
        }
        Algorithm::EdDsa => pair!(Ed25519SigningKey::generate(&SystemEntropy).unwrap()),
        Algorithm::Rs256 => pair!(Rs256SigningKey::generate(RsaSize::Bits2048).unwrap()),
        Algorithm::Rs384 => pair!(Rs384SigningKey::generate(RsaSize::Bits2048).unwrap()),
        Algorithm::Rs512 => pair!(Rs512SigningKey::generate(RsaSize::Bits2048).unwrap()),
        Algorithm::Ps256 => pair!(Ps256SigningKey::generate(RsaSize::Bits2048).unwrap()),
        Algorithm::Ps384 => pair!(Ps384SigningKey::generate(RsaSize::Bits2048).unwrap()),
        Algorithm::Ps512 => pair!(Ps512SigningKey::generate(RsaSize::Bits2048).unwrap()),
        other => panic!("{other} is new here"),
    }
}

#[test]
fn what_is_signed_here_they_verify() {
    let mut peers = Peer::both();
    for alg in names() {
        let Exported { signing, private_jwk, public_pem, private_pem } = key(alg);
        let private: Value = serde_json::from_str(private_jwk.expose_str().unwrap()).unwrap();
        let public = signing.verifying_key().to_jwk().map(|jwk| serde_json::from_str::<Value>(&jwk).unwrap());
        let public = public.as_ref().unwrap_or(&private);
        let signer = JwsSigner::new(signing.clone()).with_typ("JWT").unwrap();
        let token = signer.compact(CLAIMS.as_bytes()).unwrap();
        let flattened: Value = serde_json::from_str(&signer.flattened(b"hi").unwrap()).unwrap();
        let general: Value = serde_json::from_str(&JwsSigner::general(&[signer], b"hi").unwrap()).unwrap();
        for peer in &mut peers {
            let verified = peer.ask(&json!({"op": "verify", "alg": alg, "jwk": public, "token": token}));
            assert_eq!(verified["claims"]["sub"], "42", "{} {alg}", peer.name);
            let wrong = json!({"op": "verify", "alg": alg, "jwk": public, "token": tampered(&token)});
            assert!(
                peer.answer(&wrong).get("error").is_some(),
                "{} {alg}: a peer that refuses nothing",
                peer.name
            );
            for jws in [&flattened, &general] {
                let verified = peer.ask(&json!({"op": "verify-json", "alg": alg, "jwk": public, "jws": jws}));
                assert_eq!(verified["payload"], "hi", "{} {alg}", peer.name);
            }
            if let (Some(public), Some(private)) = (&public_pem, &private_pem) {
                let verified = peer.ask(&json!({"op": "verify", "alg": alg, "pem": public, "token": token}));
                assert_eq!(verified["claims"]["sub"], "42", "{} {alg}", peer.name);
                let sign = json!({
                    "op": "sign", "alg": alg, "pem": private.expose_str(), "header": {"typ": "JWT"},
                    "claims": serde_json::from_str::<Value>(CLAIMS).unwrap(),
                });
                let signed = peer.ask(&sign);
                let token = signed["token"].as_str().unwrap();
                assert_eq!(
                    verify(signing.verifying_key(), token).as_deref(),
                    Ok("42"),
                    "{} {alg}",
                    peer.name
                );
            }
            // Our private JWK, in their hands.
            let sign = json!({
                "op": "sign", "alg": alg, "jwk": private, "header": {"typ": "JWT"},
                "claims": serde_json::from_str::<Value>(CLAIMS).unwrap(),
            });
            let signed = peer.ask(&sign);
            let token = signed["token"].as_str().unwrap();
            assert_eq!(verify(signing.verifying_key(), token).as_deref(), Ok("42"), "{} {alg}", peer.name);
        }
    }
}

/// What an issuer publishes: keys of every kind in one set, found by their names.
#[test]
fn a_key_set_is_read_on_either_side() {
    let algorithms: Vec<_> = names().filter(|alg| !alg.starts_with("HS")).collect();
    let ours: Vec<_> = algorithms.iter().map(|alg| key(alg).signing).collect();
    let set = KeySet::new(ours.iter().map(AnySigningKey::verifying_key)).unwrap();
    let published: Value = serde_json::from_str(&set.to_jwks().unwrap()).unwrap();
    for mut peer in Peer::both() {
        for (algorithm, key) in algorithms.iter().zip(&ours) {
            let token =
                JwsSigner::new(key.clone()).with_typ("JWT").unwrap().compact(CLAIMS.as_bytes()).unwrap();
            let verify = json!({"op": "verify-set", "alg": algorithm, "jwks": published, "token": token});
            assert_eq!(peer.ask(&verify)["claims"]["sub"], "42", "{} {algorithm}", peer.name);
        }
        let mut theirs = Vec::new();
        for algorithm in &algorithms {
            let mut made = peer.ask(&json!({"op": "generate", "alg": algorithm}));
            made["public"]["kid"] = json!(format!("the one of {algorithm}"));
            theirs.push(made);
        }
        let keys: Vec<_> = theirs.iter().map(|made| &made["public"]).collect();
        let text = json!({"keys": keys}).to_string();
        for backend in BACKENDS {
            let (set, report) = KeySet::parse(&text, Algorithm::ALL, backend).unwrap();
            assert_eq!((set.len(), report.refused().len()), (algorithms.len(), 0), "{}", peer.name);
            let verifier = Verifier::new(set, policy());
            for (algorithm, made) in algorithms.iter().zip(&theirs) {
                let sign = json!({
                    "op": "sign", "alg": algorithm, "jwk": made["private"],
                    "header": {"typ": "JWT", "kid": made["public"]["kid"]},
                    "claims": serde_json::from_str::<Value>(CLAIMS).unwrap(),
                });
                let signed = peer.ask(&sign);
                let verified = verifier.verify::<()>(signed["token"].as_str().unwrap(), NOW);
                assert!(verified.is_ok(), "{} {algorithm} {backend:?}: {verified:?}", peer.name);
            }
        }
    }
}

/// PEM as they write it, for each key type of ours.
#[test]
fn their_pem_is_read_here() {
    for mut peer in Peer::both() {
        macro_rules! read {
            ($($signing:ty),*) => {$({
                let alg = <$signing>::ALGORITHM.name();
                let made = peer.ask(&json!({"op": "generate", "alg": alg}));
                let pem = Secret::from(made["private_pem"].as_str().unwrap().to_owned());
                let key = <$signing>::from_pem(&pem).unwrap_or_else(|error| panic!("{} {alg}: {error}", peer.name));
                assert_eq!(key.verifying_key().to_pem().trim(), made["public_pem"].as_str().unwrap().trim());
            })*};
        }
        read!(
            Es256SigningKey,
            Es384SigningKey,
            Es512SigningKey,
            Ed25519SigningKey,
            Rs256SigningKey,
            Ps512SigningKey
        );
    }
}

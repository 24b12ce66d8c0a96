//! The commands of the terminal.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Read, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use auth_core::{Secret, SystemEntropy};
use auth_jwt::{
    Algorithm, AnySigningKey, Ed25519SigningKey, Es256SigningKey, Es384SigningKey, Es512SigningKey, Hs256Key,
    Hs384Key, Hs512Key, Jwk, JwsSigner, KeyId, KeySet, PolicyError, aws_lc_rs, danger,
};
use clap::{Args, Parser};
use serde::de::IgnoredAny;

use crate::{
    batch, inspect, keys,
    verify::{self, Expected},
};

/// The most bytes of a file or of standard input that a command reads.
const MAX_INPUT: u64 = 8 * 1024 * 1024;

type Failure = Box<dyn std::error::Error>;

/// Keys and tokens at the terminal.
#[derive(Debug, Parser)]
#[command(name = "jwt-tool", version)]
pub(crate) enum Command {
    /// Makes a key and writes it as a JWK.
    Keygen {
        /// HS256, HS384, HS512, ES256, ES384, ES512, EdDSA, RS256 and so on.
        algorithm: String,
        /// Where the private key goes. It must not exist; only its owner will be able to read it.
        #[arg(long)]
        private: PathBuf,
        /// Where the public key goes.
        #[arg(long)]
        public: Option<PathBuf>,
        /// Its name; of public keys the default is the thumbprint (RFC 7638).
        #[arg(long)]
        kid: Option<String>,
    },
    /// Signs the text on standard input, without white space at its end, and prints a compact JWS.
    Sign {
        /// A private JWK.
        #[arg(long)]
        key: PathBuf,
        /// The algorithm, if the key names none and would do for several.
        #[arg(long)]
        alg: Option<String>,
        /// The `typ` of the header.
        #[arg(long)]
        typ: Option<String>,
    },
    /// Verifies the JWT on standard input and prints its payload; the exit code says whether it is valid.
    Verify(VerifyArgs),
    /// Prints what is in the token on standard input. Nobody has vouched for it.
    Inspect,
    /// Prints a key's thumbprint (RFC 7638). Not that of a secret.
    Thumbprint {
        /// A JWK.
        #[arg(long)]
        key: PathBuf,
        /// As a URI (RFC 9278).
        #[arg(long)]
        uri: bool,
    },
    /// Answers the requests on standard input, one JSON object a line.
    Batch,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// A JWK, or a JWK Set: its keys, and their algorithms, are the ones that are accepted.
    #[arg(long)]
    key: PathBuf,
    /// The `iss` that it must have.
    #[arg(long)]
    issuer: String,
    /// The `aud` that it must have. Without it, tokens for anybody are accepted.
    #[arg(long)]
    audience: Option<String>,
    /// The `typ` that it must have. Without it, tokens of any type are accepted.
    #[arg(long)]
    typ: Option<String>,
    /// The time, in seconds since 1970. Without it, the present.
    #[arg(long)]
    now: Option<u64>,
    /// How far clocks may differ, in seconds.
    #[arg(long)]
    leeway: Option<u64>,
}

impl Command {
    /// Does it. The exit code is 0, 1 for a token that is not valid, 2 for anything that is in the way.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        match self {
            Self::Keygen { algorithm, private, public, kid } => {
                keygen(&algorithm, &private, public.as_deref(), kid.as_deref())?;
            }
            Self::Sign { key, alg, typ } => sign(&key, alg.as_deref(), typ.as_deref())?,
            Self::Verify(args) => return verify(args),
            Self::Inspect => print!("{}", inspect::text(input()?.trim_end())?),
            Self::Thumbprint { key, uri } => {
                let thumbprint = keys::thumbprint(&Jwk::parse(&file(&key)?)?)
                    .ok_or("the thumbprint of a secret tells whether a guess of it is right")?;
                println!("{}", if uri { thumbprint.to_uri() } else { thumbprint.to_string() });
            }
            Self::Batch => batch::run(io::stdin().lock(), io::stdout().lock())?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn keygen(algorithm: &str, private: &Path, public: Option<&Path>, kid: Option<&str>) -> Result<(), Failure> {
    let (name, algorithm) = (algorithm, Algorithm::named(algorithm).ok_or("there is no such algorithm")?);
    if public.is_some() && algorithm.is_symmetric() {
        return Err("a shared secret has no public half".into());
    }
    let kid = kid.map(KeyId::new).transpose()?;
    let (secret, public_jwk) = match generate(algorithm)? {
        Generated::Secret(secret) => {
            let write = match algorithm {
                Algorithm::Hs256 => Hs256Key::secret_to_jwk,
                Algorithm::Hs384 => Hs384Key::secret_to_jwk,
                _ => Hs512Key::secret_to_jwk,
            };
            (write(&secret, kid.as_ref())?, None)
        }
        Generated::Key(key) => {
            let key = keys::called(key, name);
            let key = match kid {
                Some(kid) => key.with_id(kid),
                None => key,
            };
            let secret = key.to_jwk().ok_or("the key cannot be written")?;
            (secret, key.verifying_key().to_jwk())
        }
    };
    write_private(private, &secret)?;
    if let (Some(path), Some(jwk)) = (public, public_jwk) {
        fs::write(path, jwk)?;
    }
    Ok(())
}

enum Generated {
    Secret(Secret),
    Key(AnySigningKey),
}

fn generate(algorithm: Algorithm) -> Result<Generated, Failure> {
    let secret = |len: usize| {
        let mut bytes = vec![0; len];
        auth_core::Entropy::fill(&SystemEntropy, &mut bytes).map(|()| Generated::Secret(Secret::new(bytes)))
    };
    let rsa = aws_lc_rs::RsaSize::Bits3072;
    Ok(match algorithm {
        Algorithm::Hs256 => secret(32)?,
        Algorithm::Hs384 => secret(48)?,
        Algorithm::Hs512 => secret(64)?,
        Algorithm::Es256 => Generated::Key(Es256SigningKey::generate(&SystemEntropy)?.into()),
        Algorithm::Es384 => Generated::Key(Es384SigningKey::generate(&SystemEntropy)?.into()),
        Algorithm::Es512 => Generated::Key(Es512SigningKey::generate(&SystemEntropy)?.into()),
        Algorithm::EdDsa => Generated::Key(Ed25519SigningKey::generate(&SystemEntropy)?.into()),
        Algorithm::Rs256 => Generated::Key(aws_lc_rs::Rs256SigningKey::generate(rsa)?.into()),
        Algorithm::Rs384 => Generated::Key(aws_lc_rs::Rs384SigningKey::generate(rsa)?.into()),
        Algorithm::Rs512 => Generated::Key(aws_lc_rs::Rs512SigningKey::generate(rsa)?.into()),
        Algorithm::Ps256 => Generated::Key(aws_lc_rs::Ps256SigningKey::generate(rsa)?.into()),
        Algorithm::Ps384 => Generated::Key(aws_lc_rs::Ps384SigningKey::generate(rsa)?.into()),
        Algorithm::Ps512 => Generated::Key(aws_lc_rs::Ps512SigningKey::generate(rsa)?.into()),
        _ => return Err("there is no such algorithm".into()),
    })
}

/// A new file that nobody else can read, from its first byte on.
fn write_private(path: &Path, secret: &Secret) -> Result<(), Failure> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(secret.expose())?;
    Ok(())
}

/// The signer of this type. A tool may make access tokens of what it is given; nobody who trusts its key should.
pub(crate) fn typed(signer: JwsSigner, typ: &str) -> Result<JwsSigner, PolicyError> {
    match signer.clone().with_typ(typ) {
        Err(PolicyError::AccessToken) => danger::sign_access_tokens_without_login(signer),
        typed => typed,
    }
}

fn sign(key: &Path, alg: Option<&str>, typ: Option<&str>) -> Result<(), Failure> {
    let mut signer = JwsSigner::new(keys::signing(&file(key)?, alg)?);
    if let Some(typ) = typ {
        signer = typed(signer, typ)?;
    }
    println!("{}", signer.compact(input()?.trim_end().as_bytes())?);
    Ok(())
}

fn verify(args: VerifyArgs) -> Result<ExitCode, Failure> {
    let VerifyArgs { key, issuer, audience, typ, now, leeway } = args;
    let keys = key_set(&file(&key)?)?;
    let expected = Expected { issuer: Some(issuer), audience, typ, now, leeway };
    match verify::jwt(keys, input()?.trim_end(), &expected) {
        Ok(payload) => {
            println!("{}", String::from_utf8_lossy(&payload));
            Ok(ExitCode::SUCCESS)
        }
        Err(code) => {
            eprintln!("jwt-tool: not valid: {code}");
            Ok(ExitCode::from(1))
        }
    }
}

/// A file of one key or of several. What has a member `keys` is a set, whatever else is the matter with it.
fn key_set(text: &str) -> Result<KeySet, &'static str> {
    let members = serde_json::from_str::<BTreeMap<String, IgnoredAny>>(text);
    match members {
        Ok(members) if members.contains_key("keys") => keys::of_jwks(text),
        _ => keys::of_jwk(text),
    }
}

fn file(path: &Path) -> Result<String, Failure> {
    text(fs::File::open(path)?)
}

fn input() -> Result<String, Failure> {
    text(io::stdin().lock())
}

fn text(reader: impl Read) -> Result<String, Failure> {
    let mut text = String::new();
    if reader.take(MAX_INPUT).read_to_string(&mut text)? as u64 == MAX_INPUT {
        return Err("there is more input than is looked at".into());
    }
    Ok(text)
}

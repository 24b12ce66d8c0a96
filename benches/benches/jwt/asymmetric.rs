//! Public keys: tokens of ours beside the primitive alone, over the same bytes, in both backends; and sets of keys.

use std::hint::black_box;

use auth_core::{Clock, Secret, SystemClock, SystemEntropy};
use auth_jwt::{
    AnySigningKey, AnyVerifyingKey, Audience, CacheCapacity, CachedVerifier, Ed25519SigningKey,
    Es256SigningKey, Hs256Key, Issuer, JwsSigner, KeyId, KeySet, TokenPolicy, Verified, Verifier, aws_lc_rs,
    typ,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use p256::ecdsa::signature::{Signer, Verifier as _};

use crate::fixture::{AUDIENCE, ISSUER, Owned, PAYLOAD, Row};

pub(crate) fn rows() -> Vec<Row> {
    let es256 = Es256SigningKey::generate(&SystemEntropy).unwrap();
    let ed25519 = Ed25519SigningKey::generate(&SystemEntropy).unwrap();
    let rs256 = aws_lc_rs::Rs256SigningKey::generate(aws_lc_rs::RsaSize::Bits2048).unwrap();
    let mut rows = Vec::new();

    // The same key in both backends.
    let aws_es256 = aws_lc_rs::Es256SigningKey::from_pem(&es256.to_pem()).unwrap();
    let aws_ed25519 = aws_lc_rs::Ed25519SigningKey::from_pem(&ed25519.to_pem()).unwrap();
    let rsa = auth_jwt::Rs256VerifyingKey::from_pem(&rs256.verifying_key().to_pem()).unwrap();

    for (name, signing, verifying) in [
        ("es256/ours", es256.clone().into(), es256.verifying_key().into()),
        ("es256-aws-lc-rs/ours", aws_es256.clone().into(), aws_es256.verifying_key().into()),
        ("ed25519/ours", ed25519.clone().into(), ed25519.verifying_key().into()),
        ("ed25519-aws-lc-rs/ours", aws_ed25519.clone().into(), aws_ed25519.verifying_key().into()),
        ("rs256/ours", rs256.clone().into(), rsa.into()),
        ("rs256-aws-lc-rs/ours", rs256.clone().into(), rs256.verifying_key().into()),
    ] as [(&str, AnySigningKey, AnyVerifyingKey); 6]
    {
        rows.extend(ours(name, signing, verifying));
    }
    rows.extend(raw(&es256, &ed25519, &rs256));
    rows.extend(sets());
    rows
}

fn policy() -> TokenPolicy {
    let issuer = Issuer::new(ISSUER).unwrap();
    TokenPolicy::typed(typ("JWT").unwrap(), issuer, Audience::new(AUDIENCE).unwrap())
}

/// Verifying with all claims, the same through the cache, and signing the same payload.
fn ours(name: &str, signing: AnySigningKey, verifying: AnyVerifyingKey) -> [Row; 3] {
    let signer = JwsSigner::new(signing).with_typ("JWT").unwrap();
    let token = signer.compact(PAYLOAD.as_bytes()).unwrap();
    let verifier = Verifier::new(verifying, policy());
    let (cached, again) =
        (CachedVerifier::<Owned>::new(verifier.clone(), CacheCapacity::default()), token.clone());
    [
        Row::new(&format!("verify-{name}"), move || {
            let verified: Verified<Owned> = verifier.verify(black_box(&token), SystemClock.now()).unwrap();
            assert!(verified.own().admin);
        }),
        Row::new(&format!("cached-{name}"), move || {
            let verified = cached.verify(black_box(&again), SystemClock.now()).unwrap();
            assert!(verified.own().admin);
        }),
        Row::new(&format!("sign-{name}"), move || {
            assert!(signer.compact(black_box(PAYLOAD.as_bytes())).unwrap().starts_with("eyJ"));
        }),
    ]
}

/// The primitives, with keys that were read once, over the signing input of such a token.
fn raw(es256: &Es256SigningKey, ed25519: &Ed25519SigningKey, rs256: &aws_lc_rs::Rs256SigningKey) -> Vec<Row> {
    use ::aws_lc_rs::{
        rand::SystemRandom,
        signature::{
            ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ED25519, EcdsaKeyPair, Ed25519KeyPair,
            ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair,
        },
    };
    let header = URL_SAFE_NO_PAD
        .encode(r#"{"alg":"ES256","typ":"JWT","kid":"NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"}"#);
    let input = format!("{header}.{}", URL_SAFE_NO_PAD.encode(PAYLOAD)).into_bytes();
    let verify = |name: &str, key: ParsedPublicKey, signature: Vec<u8>| {
        let input = input.clone();
        Row::new(name, move || key.verify_sig(black_box(&input), black_box(&signature)).unwrap())
    };
    let row = |name: &str, mut run: Box<dyn FnMut(&[u8])>| {
        let input = input.clone();
        Row::new(name, move || run(black_box(&input)))
    };

    let point = es256.verifying_key().to_sec1();
    let key = p256::ecdsa::SigningKey::from_slice(es256.to_raw().expose()).unwrap();
    let public = *key.verifying_key();
    let signature: p256::ecdsa::Signature = key.sign(&input);
    let dalek = ed25519_dalek::SigningKey::from_bytes(ed25519.to_raw().expose().try_into().unwrap());
    let dalek_public = dalek.verifying_key();
    let dalek_signature = dalek.sign(&input);

    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, es256.to_der().expose()).unwrap();
    let ed_pair = Ed25519KeyPair::from_seed_unchecked(ed25519.to_raw().expose()).unwrap();
    let rsa_pair = RsaKeyPair::from_pkcs8(rs256.to_der().expose()).unwrap();
    let rsa_signature = rs256.sign(&input).unwrap().as_bytes().to_vec();
    let rsa_public =
        ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, rs256.verifying_key().to_der()).unwrap();
    let rust_rsa = {
        use rsa::pkcs8::DecodePublicKey;
        rsa::RsaPublicKey::from_public_key_der(&rs256.verifying_key().to_der()).unwrap()
    };
    let rust_rsa = rsa::pkcs1v15::VerifyingKey::<sha2::Sha256>::new(rust_rsa);
    let rust_rsa_signature = rsa::pkcs1v15::Signature::try_from(&*rsa_signature).unwrap();
    let rsa_len = rsa_signature.len();
    vec![
        row("verify-es256/raw", Box::new(move |input| public.verify(input, &signature).unwrap())),
        row("sign-es256/raw", {
            Box::new(move |input| {
                let signature: p256::ecdsa::Signature = key.sign(input);
                black_box(signature);
            })
        }),
        row("verify-ed25519/raw", {
            Box::new(move |input| dalek_public.verify_strict(input, &dalek_signature).unwrap())
        }),
        row(
            "sign-ed25519/raw",
            Box::new(move |input| {
                black_box(dalek.sign(input));
            }),
        ),
        row("verify-rs256/raw", Box::new(move |input| rust_rsa.verify(input, &rust_rsa_signature).unwrap())),
        verify(
            "verify-es256-aws-lc-rs/raw",
            ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).unwrap(),
            signature.to_bytes().to_vec(),
        ),
        row("sign-es256-aws-lc-rs/raw", {
            let random = SystemRandom::new();
            Box::new(move |input| {
                black_box(pair.sign(&random, input).unwrap());
            })
        }),
        verify(
            "verify-ed25519-aws-lc-rs/raw",
            ParsedPublicKey::new(&ED25519, ed25519.verifying_key().to_raw()).unwrap(),
            dalek_signature.to_bytes().to_vec(),
        ),
        row(
            "sign-ed25519-aws-lc-rs/raw",
            Box::new(move |input| {
                black_box(ed_pair.sign(input));
            }),
        ),
        verify("verify-rs256-aws-lc-rs/raw", rsa_public, rsa_signature),
        row("sign-rs256-aws-lc-rs/raw", {
            let random = SystemRandom::new();
            let mut signature = vec![0; rsa_len];
            Box::new(move |input| {
                rsa_pair.sign(&RSA_PKCS1_SHA256, &random, input, black_box(&mut signature)).unwrap();
            })
        }),
    ]
}

/// One key, and the last of sixteen, found by `kid`.
fn sets() -> Vec<Row> {
    let key = |n: u8| {
        let secret = Secret::new((n..n.saturating_add(32)).collect());
        Hs256Key::new(&secret).unwrap().with_id(KeyId::new(&format!("key-{n:02}")).unwrap())
    };
    let row = |name: &str, keys: KeySet| {
        let token = JwsSigner::new(key(15)).with_typ("JWT").unwrap().compact(PAYLOAD.as_bytes()).unwrap();
        let verifier = Verifier::new(keys, policy());
        Row::new(name, move || {
            let verified: Verified<Owned> = verifier.verify(black_box(&token), SystemClock.now()).unwrap();
            assert!(verified.own().admin);
        })
    };
    vec![
        row("verify-one-of-1-keys/ours", key(15).into()),
        row("verify-one-of-16-keys/ours", KeySet::new((0..16).map(key)).unwrap()),
    ]
}

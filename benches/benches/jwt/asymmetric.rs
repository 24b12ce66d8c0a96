//! Public keys: tokens of ours beside the primitive alone, over the same bytes, in both backends; and sets of keys.

use std::{hint::black_box, sync::LazyLock};

use auth_core::{Clock, Secret, SystemClock, SystemEntropy};
use auth_jwt::{
    AnySigningKey, AnyVerifyingKey, Audience, CacheCapacity, CachedVerifier, Ed25519SigningKey,
    Es256SigningKey, Hs256Key, Issuer, JwsSigner, KeyId, KeySet, TokenPolicy, Verified, Verifier, aws_lc_rs,
    typ,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use p256::ecdsa::signature::{Signer, Verifier as _};

use crate::fixture::{AUDIENCE, ISSUER, Owned, PAYLOAD, Row};

/// One key of each kind, for all implementations.
pub(crate) struct Keys {
    pub(crate) es256: Es256SigningKey,
    pub(crate) ed25519: Ed25519SigningKey,
    pub(crate) rs256: aws_lc_rs::Rs256SigningKey,
}

pub(crate) static KEYS: LazyLock<Keys> = LazyLock::new(|| Keys {
    es256: Es256SigningKey::generate(&SystemEntropy).unwrap(),
    ed25519: Ed25519SigningKey::generate(&SystemEntropy).unwrap(),
    rs256: aws_lc_rs::Rs256SigningKey::generate(aws_lc_rs::RsaSize::Bits2048).unwrap(),
});

/// The token that all rows of a key verify.
pub(crate) fn token(key: impl Into<AnySigningKey>) -> String {
    JwsSigner::new(key).with_typ("JWT").unwrap().compact(PAYLOAD.as_bytes()).unwrap()
}

pub(crate) fn rows() -> Vec<Row> {
    let Keys { es256, ed25519, rs256 } = &*KEYS;
    // The same key in both backends.
    let aws_es256 = aws_lc_rs::Es256SigningKey::from_pem(&es256.to_pem()).unwrap();
    let aws_ed25519 = aws_lc_rs::Ed25519SigningKey::from_pem(&ed25519.to_pem()).unwrap();
    let rsa = auth_jwt::Rs256VerifyingKey::from_pem(&rs256.verifying_key().to_pem()).unwrap();

    let mut rows = Vec::new();
    for (name, signing, verifying) in [
        ("es256/ours", es256.clone().into(), es256.verifying_key().into()),
        ("es256-aws-lc-rs/ours", aws_es256.clone().into(), aws_es256.verifying_key().into()),
        ("ed25519/ours", ed25519.clone().into(), ed25519.verifying_key().into()),
        ("ed25519-aws-lc-rs/ours", aws_ed25519.clone().into(), aws_ed25519.verifying_key().into()),
        ("rs256-aws-lc-rs/ours", rs256.clone().into(), rs256.verifying_key().into()),
    ] as [(&str, AnySigningKey, AnyVerifyingKey); 5]
    {
        rows.extend(ours(name, signing, verifying));
    }
    // The crate of pure Rust does not sign with RSA.
    rows.extend(ours("rs256/ours", rs256.clone().into(), rsa.into()).into_iter().take(2));
    rows.extend(raw_rust_crypto());
    rows.extend(raw_aws_lc());
    rows.extend(sets());
    rows
}

/// What all rows under public keys accept.
pub(crate) fn policy() -> TokenPolicy {
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
        {
            // The same token each time, but where the signature has a random number in it.
            let first = signer.compact(PAYLOAD.as_bytes()).unwrap();
            let is_random = signer.compact(PAYLOAD.as_bytes()).unwrap() != first;
            let same = if is_random { first.rfind('.').unwrap() } else { first.len() };
            Row::new(&format!("sign-{name}"), move || {
                let token = signer.compact(black_box(PAYLOAD.as_bytes())).unwrap();
                assert!(token.len() == first.len() && token[..same] == first[..same]);
            })
        },
    ]
}

/// What of a token is signed, and its signature.
fn signed(key: impl Into<AnySigningKey>) -> (Vec<u8>, Vec<u8>) {
    let token = token(key);
    let (input, signature) = token.rsplit_once('.').unwrap();
    (input.as_bytes().to_vec(), URL_SAFE_NO_PAD.decode(signature).unwrap())
}

/// A primitive over the bytes of the token that ours verifies, and that ours signs.
fn over(name: &str, input: &[u8], mut run: impl FnMut(&[u8]) + 'static) -> Row {
    let input = input.to_vec();
    Row::new(name, move || run(black_box(&input)))
}

/// The primitives of pure Rust, with keys that were read once.
fn raw_rust_crypto() -> Vec<Row> {
    use rsa::pkcs8::DecodePublicKey;
    let Keys { es256, ed25519, rs256 } = &*KEYS;

    let key = p256::ecdsa::SigningKey::from_slice(es256.to_raw().expose()).unwrap();
    let public = *key.verifying_key();
    let (input, signature) = signed(es256.clone());
    let signature = p256::ecdsa::Signature::from_slice(&signature).unwrap();
    let dalek = ed25519_dalek::SigningKey::from_bytes(ed25519.to_raw().expose().try_into().unwrap());
    let dalek_public = dalek.verifying_key();
    let (dalek_input, dalek_signature) = signed(ed25519.clone());
    let dalek_signature = ed25519_dalek::Signature::from_slice(&dalek_signature).unwrap();
    let rsa = rsa::RsaPublicKey::from_public_key_der(&rs256.verifying_key().to_der()).unwrap();
    let rsa = rsa::pkcs1v15::VerifyingKey::<sha2::Sha256>::new(rsa);
    let (rsa_input, rsa_signature) = signed(rs256.clone());
    let rsa_signature = rsa::pkcs1v15::Signature::try_from(&*rsa_signature).unwrap();
    vec![
        over("verify-es256/raw", &input, move |input| public.verify(input, &signature).unwrap()),
        over("sign-es256/raw", &input, move |input| {
            assert_eq!(Signer::<p256::ecdsa::Signature>::sign(&key, input), signature);
        }),
        over("verify-ed25519/raw", &dalek_input, move |input| {
            dalek_public.verify_strict(input, &dalek_signature).unwrap();
        }),
        over("sign-ed25519/raw", &dalek_input, move |input| {
            assert_eq!(dalek.sign(input), dalek_signature);
        }),
        over("verify-rs256/raw", &rsa_input, move |input| rsa.verify(input, &rsa_signature).unwrap()),
    ]
}

/// Those of AWS-LC.
fn raw_aws_lc() -> Vec<Row> {
    use ::aws_lc_rs::{
        rand::SystemRandom,
        signature::{
            ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ED25519, EcdsaKeyPair, Ed25519KeyPair,
            ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair,
        },
    };
    let Keys { es256, ed25519, rs256 } = &*KEYS;
    let verify = |name: &str, key: ParsedPublicKey, (input, signature): (Vec<u8>, Vec<u8>)| {
        over(name, &input, move |input| key.verify_sig(input, black_box(&signature)).unwrap())
    };
    let point = es256.verifying_key().to_sec1();
    let es256_public = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).unwrap();
    let ed25519_public = ParsedPublicKey::new(&ED25519, ed25519.verifying_key().to_raw()).unwrap();
    let rs256_public =
        ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, rs256.verifying_key().to_der()).unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, es256.to_der().expose()).unwrap();
    let ed_pair = Ed25519KeyPair::from_seed_unchecked(ed25519.to_raw().expose()).unwrap();
    let rsa_pair = RsaKeyPair::from_pkcs8(rs256.to_der().expose()).unwrap();
    let mut room = vec![0; rsa_pair.public_modulus_len()];
    let ((ed_input, ed_signature), (rsa_input, rsa_signature)) =
        (signed(ed25519.clone()), signed(rs256.clone()));
    vec![
        verify("verify-es256-aws-lc-rs/raw", es256_public, signed(es256.clone())),
        over("sign-es256-aws-lc-rs/raw", &signed(es256.clone()).0, move |input| {
            // With a random number in it: which one cannot be said, but how long it is.
            assert_eq!(pair.sign(&SystemRandom::new(), input).unwrap().as_ref().len(), 64);
        }),
        verify("verify-ed25519-aws-lc-rs/raw", ed25519_public, signed(ed25519.clone())),
        over("sign-ed25519-aws-lc-rs/raw", &ed_input, move |input| {
            assert_eq!(ed_pair.sign(input).as_ref(), ed_signature);
        }),
        verify("verify-rs256-aws-lc-rs/raw", rs256_public, signed(rs256.clone())),
        over("sign-rs256-aws-lc-rs/raw", &rsa_input, move |input| {
            rsa_pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), input, &mut room).unwrap();
            assert_eq!(room, rsa_signature);
        }),
    ]
}

/// One key, and the last of sixteen, found by `kid`.
fn sets() -> Vec<Row> {
    let row = |name: &str, keys: KeySet| {
        let token = token(key(15));
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

/// A secret of a set, called by its number.
pub(crate) fn key(n: u8) -> Hs256Key {
    Hs256Key::new(&Secret::new(secret(n))).unwrap().with_id(KeyId::new(&format!("key-{n:02}")).unwrap())
}

pub(crate) fn secret(n: u8) -> Vec<u8> {
    (n..n.saturating_add(32)).collect()
}

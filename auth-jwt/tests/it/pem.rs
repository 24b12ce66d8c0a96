//! Keys in PEM and DER. What OpenSSL 3.0 writes is typed in; the keys are those of the standards.

use auth_core::{Secret, SystemEntropy};
use auth_jwt::{
    Algorithm, Ed25519SigningKey, Ed25519VerifyingKey, Es256SigningKey, Es256VerifyingKey, Es384SigningKey,
    Es384VerifyingKey, Es512SigningKey, Es512VerifyingKey, KeyError, KeyFormatError,
};
use proptest::prelude::*;
use sha2::{Digest, Sha256};

use crate::rfc_keys::*;

/// RFC 8410 section 10.1.
const ED25519_PUBLIC: &str = "\
-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=
-----END PUBLIC KEY-----
";

/// RFC 8410 section 10.3, the first one.
const ED25519_PRIVATE: &str = "\
-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
-----END PRIVATE KEY-----
";

/// RFC 8410 section 10.3, the second one: with an attribute, and with the public key.
const ED25519_PRIVATE_V2: &str = "\
-----BEGIN PRIVATE KEY-----
MHICAQEwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
oB8wHQYKKoZIhvcNAQkJFDEPDA1DdXJkbGUgQ2hhaXJzgSEAGb9ECWmEzf6FQbrB
Z9w7lshQhqowtrbLDFw4rXAxZuE=
-----END PRIVATE KEY-----
";

/// Alice's key (RFC 7518 appendix C).
const ALICE_PUBLIC: &str = "\
-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEgI0GAILBdu7T53akrFmMyGcsF3n5
dO7MmwNBHKW5SV1Itb/FJ9/OU9ascRUjfQMcz/h6BXC3c1Cp5QPucwWmmw==
-----END PUBLIC KEY-----
";

const ALICE_PKCS8: &str = "\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg0/NxaRPUMQoAJt50
Gz8YiTr8gRTwyEaCumd+MToTmIqhRANCAASAjQYAgsF27tPndqSsWYzIZywXefl0
7sybA0EcpblJXUi1v8Un385T1qxxFSN9AxzP+HoFcLdzUKnlA+5zBaab
-----END PRIVATE KEY-----
";

const ALICE_SEC1: &str = "\
-----BEGIN EC PRIVATE KEY-----
MHcCAQEEINPzcWkT1DEKACbedBs/GIk6/IEU8MhGgrpnfjE6E5iKoAoGCCqGSM49
AwEHoUQDQgAEgI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV1Itb/FJ9/O
U9ascRUjfQMcz/h6BXC3c1Cp5QPucwWmmw==
-----END EC PRIVATE KEY-----
";

/// Hers again, with the point compressed.
const ALICE_COMPRESSED: &str = "\
-----BEGIN PUBLIC KEY-----
MDkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDIgADgI0GAILBdu7T53akrFmMyGcsF3n5
dO7MmwNBHKW5SV0=
-----END PUBLIC KEY-----
";

/// Hers again, with the curve's numbers instead of its name.
const ALICE_EXPLICIT: &str = "\
-----BEGIN PUBLIC KEY-----
MIIBSzCCAQMGByqGSM49AgEwgfcCAQEwLAYHKoZIzj0BAQIhAP////8AAAABAAAA
AAAAAAAAAAAA////////////////MFsEIP////8AAAABAAAAAAAAAAAAAAAA////
///////////8BCBaxjXYqjqT57PrvVV2mIa8ZR0GsMxTsPY7zjw+J9JgSwMVAMSd
NgiG5wSTamZ44ROdJreBn36QBEEEaxfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5
RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9QIhAP////8AAAAA
//////////+85vqtpxeehPO5ysL8YyVRAgEBA0IABICNBgCCwXbu0+d2pKxZjMhn
LBd5+XTuzJsDQRyluUldSLW/xSffzlPWrHEVI30DHM/4egVwt3NQqeUD7nMFpps=
-----END PUBLIC KEY-----
";

const ENCRYPTED: &str = "\
-----BEGIN ENCRYPTED PRIVATE KEY-----
MIGbMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAifBeGAHcSZVwICCAAw
DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEENah3CBcrMyqMMeQNLihK8gEQNNm
QOqlzxYoXchki2BAEQYfN/7cTuI4pzChbEdrh6YKRcf8A2mmTxZPljzkxTY4Ssi4
OkK2ez+Jbik/d3YYLSw=
-----END ENCRYPTED PRIVATE KEY-----
";

const ENCRYPTED_AS_BEFORE: &str = "\
-----BEGIN EC PRIVATE KEY-----
Proc-Type: 4,ENCRYPTED
DEK-Info: AES-128-CBC,90C3EBDFA15BAE61DC6862992D9C7859

dUR1NK1nIuIN6e7XTwvvyfBKG6lDuycLDnNjt0A94dxnFM8smjEUCcvaPsQY9/kt
pGIvAxiJWmRSgxnsPT5qyna+W/zVSJLe/w67derFQ6z9/IJYTHBIEcbF1dp0sMlM
X7HVu0NmvY+wxhQNN7lUjKBuPjXflseanzPHssibip8=
-----END EC PRIVATE KEY-----
";

const CERTIFICATE: &str = "\
-----BEGIN CERTIFICATE-----
MIIBLDCB36ADAgECAhRUR1J481FTp6BI1b2D934PDuwUIDAFBgMrZXAwDDEKMAgG
A1UEAwwBYTAeFw0yNjExMjIyMjA4MzNaFw0yNjExMjMyMjA4MzNaMAwxCjAIBgNV
BAMMAWEwKjAFBgMrZXADIQAlnQGxbhmp7HyjEWf6EQtrn2iv92k1l7jcfjLxlT+G
naNTMFEwHQYDVR0OBBYEFMNJ+2N3A2gutEVwAqtVFipg4kcDMB8GA1UdIwQYMBaA
FMNJ+2N3A2gutEVwAqtVFipg4kcDMA8GA1UdEwEB/wQFMAMBAf8wBQYDK2VwA0EA
TsBRj39d8aNCnIW8uWL56NMREkhUzKEeuwa/nhORwQfp+CO0bMXJEw5kWuJF4GdY
JUUtDCbOJoSRqORBRh/gAQ==
-----END CERTIFICATE-----
";

const ED448: &str = "\
-----BEGIN PRIVATE KEY-----
MEcCAQAwBQYDK2VxBDsEOUgA0yODQ/cSZKaAG3W6Uc923BKxteMzOVousc8T/EZF
wIoLm8KczEFD2agb/in5DquM9jSFWjuX4A==
-----END PRIVATE KEY-----
";

fn secret(text: &str) -> Secret {
    Secret::from(text.to_owned())
}

fn text(secret: &Secret) -> &str {
    secret.expose_str().unwrap()
}

fn public(text: &str) -> Result<(), KeyFormatError> {
    Es256VerifyingKey::from_pem(text).map(drop)
}

fn private(text: &str) -> Result<(), KeyFormatError> {
    Es256SigningKey::from_pem(&secret(text)).map(drop)
}

/// RFC 8410 section 10: the two forms of one private key, and its public one.
#[test]
fn the_keys_of_rfc_8410_are_read_and_written() {
    let public = Ed25519VerifyingKey::from_pem(ED25519_PUBLIC).unwrap();
    assert_eq!(public.to_pem(), ED25519_PUBLIC);
    for pem in [ED25519_PRIVATE, ED25519_PRIVATE_V2] {
        let key = Ed25519SigningKey::from_pem(&secret(pem)).unwrap();
        assert_eq!(key.verifying_key().to_pem(), ED25519_PUBLIC);
        assert_eq!(text(&key.to_pem()), ED25519_PRIVATE, "written in the form that everybody reads");
    }
    // The public key in it is that of the private one, or there is no key.
    let other = ED25519_PRIVATE_V2.replace("MHICAQEwBQYDK2VwBCIEINTuct", "MHICAQEwBQYDK2VwBCIEINTuCt");
    let refused = Ed25519SigningKey::from_pem(&secret(&other)).unwrap_err();
    assert_eq!(refused, KeyFormatError::Key(KeyError::Mismatch));
}

#[test]
fn keys_are_read_from_what_openssl_writes_and_written_like_it() {
    let public = Es256VerifyingKey::from_pem(ALICE_PUBLIC).unwrap();
    assert_eq!(public.to_pem(), ALICE_PUBLIC);
    assert_eq!(
        public.thumbprint(),
        Es256VerifyingKey::from_jwk(&jwk(&[RFC7518_ALICE])).unwrap().thumbprint()
    );
    for pem in [ALICE_PKCS8, ALICE_SEC1] {
        let key = Es256SigningKey::from_pem(&secret(pem)).unwrap();
        assert_eq!(key.verifying_key().thumbprint(), public.thumbprint());
        assert_eq!(text(&key.to_pem()), ALICE_PKCS8);
        assert_eq!(text(&key.to_sec1_pem()), ALICE_SEC1);
        assert_eq!(
            Es256SigningKey::from_der(&key.to_sec1_der()).unwrap().to_raw().expose(),
            key.to_raw().expose()
        );
    }
    let p521 = Es512SigningKey::from_jwk(&secret(&jwk(&[RFC7520_EC, RFC7520_EC_D]))).unwrap();
    let hash = |der: &[u8]| Sha256::digest(der).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert_eq!(
        hash(p521.to_der().expose()),
        "a82679544d13eaaedd5458a315b177b6563a271c68a4cc7478922b14efbb6310"
    );
    assert_eq!(
        hash(&p521.verifying_key().to_der()),
        "c6479a15a50ac4cd9b6414e27c69bf37345dc1046dc648875c4898fbd35cc74b"
    );
}

/// Public and private keys are not taken for one another.
#[test]
fn what_is_no_key_of_the_kind_is_named_as_what_it_is() {
    for pem in [ALICE_PKCS8, ALICE_SEC1, ED25519_PRIVATE_V2, ENCRYPTED, ENCRYPTED_AS_BEFORE] {
        assert_eq!(public(pem), Err(KeyFormatError::Private), "{pem}");
    }
    for pem in [ALICE_PUBLIC, ED25519_PUBLIC] {
        assert_eq!(private(pem), Err(KeyFormatError::NotPrivate), "{pem}");
    }
    for pem in [ENCRYPTED, ENCRYPTED_AS_BEFORE] {
        assert_eq!(private(pem), Err(KeyFormatError::Encrypted), "{pem}");
    }
    for read in [public, private] {
        assert_eq!(read(CERTIFICATE), Err(KeyFormatError::Certificate));
        assert_eq!(read(&CERTIFICATE.replace("CERTIFICATE", "NOTHING")), Err(KeyFormatError::Label));
    }
    assert_eq!(private(ED448), Err(KeyFormatError::KeyType));
    let wrong = KeyFormatError::Key(KeyError::WrongKind { expected: Algorithm::Es256 });
    assert_eq!(public(ED25519_PUBLIC), Err(wrong));
    assert_eq!(private(ED25519_PRIVATE), Err(wrong));
    let wrong = KeyFormatError::Key(KeyError::WrongKind { expected: Algorithm::Es384 });
    assert_eq!(Es384VerifyingKey::from_pem(ALICE_PUBLIC).map(drop), Err(wrong));

    // Without a label, the structure tells.
    let der = |pem: &str| {
        let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        base64::Engine::decode(&base64::engine::general_purpose::STANDARD, body).unwrap()
    };
    let public = |pem| Es256VerifyingKey::from_der(&der(pem)).map(drop);
    let private = |pem| Es256SigningKey::from_der(&Secret::new(der(pem))).map(drop);
    assert_eq!((public(ALICE_PUBLIC), private(ALICE_PKCS8), private(ALICE_SEC1)), (Ok(()), Ok(()), Ok(())));
    for pem in [ALICE_PKCS8, ALICE_SEC1, ENCRYPTED] {
        assert_eq!(public(pem), Err(KeyFormatError::Private));
    }
    assert_eq!(private(ALICE_PUBLIC), Err(KeyFormatError::NotPrivate));
    assert_eq!(private(ENCRYPTED), Err(KeyFormatError::Encrypted));
    assert_eq!(public(CERTIFICATE), Err(KeyFormatError::Certificate));
    assert_eq!(private(CERTIFICATE), Err(KeyFormatError::Certificate));
}

/// CVE-2020-0601: a curve that a key describes by itself may have been made for it.
#[test]
fn curves_are_named_and_points_are_whole() {
    assert_eq!(public(ALICE_EXPLICIT), Err(KeyFormatError::Parameters));
    assert_eq!(public(ALICE_COMPRESSED), Err(KeyFormatError::PointForm));
    // 1.2.840.10045.3.1.8 is nobody's curve.
    let der = Es256VerifyingKey::from_pem(ALICE_PUBLIC).unwrap().to_der();
    assert_eq!(der[15..23], [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07]);
    let mut other = der.clone();
    other[22] = 0x08;
    assert_eq!(Es256VerifyingKey::from_der(&other).map(drop), Err(KeyFormatError::Parameters));
    let mut off = der;
    off[90] ^= 1;
    let refused = Es256VerifyingKey::from_der(&off).map(drop);
    assert_eq!(refused, Err(KeyFormatError::Key(KeyError::NotOnCurve)));
}

/// RFC 7468 section 3: one block, its label, its base64, and nothing else.
#[test]
fn pem_is_one_block_with_its_own_label() {
    assert_eq!(public(&format!("\n  {ALICE_PUBLIC}\n\n")), Ok(()), "white space around it");
    assert_eq!(public(&ALICE_PUBLIC.replace('\n', "\r\n")), Ok(()));
    let (begin, end) = ("-----BEGIN PUBLIC KEY-----", "-----END PUBLIC KEY-----");
    let body = ALICE_PUBLIC.trim().trim_start_matches(begin).trim_end_matches(end).trim();
    let one_line = format!("{begin}\n{}\n{end}\n", body.replace('\n', ""));
    assert_eq!(public(&one_line), Ok(()), "lines of another length");
    for (bad, error) in [
        (String::new(), KeyFormatError::Pem),
        (body.to_owned(), KeyFormatError::Pem),
        (format!("Bag Attributes\n{ALICE_PUBLIC}"), KeyFormatError::Pem),
        (format!("\u{feff}{ALICE_PUBLIC}"), KeyFormatError::Pem),
        (format!("{ALICE_PUBLIC}trailing"), KeyFormatError::Pem),
        (format!("{ALICE_PUBLIC}{ALICE_PUBLIC}"), KeyFormatError::SeveralBlocks),
        (format!("{CERTIFICATE}{ALICE_PUBLIC}"), KeyFormatError::SeveralBlocks),
        (ALICE_PUBLIC.replace(end, "-----END PRIVATE KEY-----"), KeyFormatError::Pem),
        (ALICE_PUBLIC.replace(end, ""), KeyFormatError::Pem),
        (ALICE_PUBLIC.replace("PUBLIC KEY", "RSA PUBLIC KEY"), KeyFormatError::Label),
        (ALICE_PUBLIC.replace("PUBLIC KEY", "public key"), KeyFormatError::Label),
        (ALICE_PUBLIC.replace("PUBLIC KEY", "SSH2 PUBLIC KEY"), KeyFormatError::Label),
        (ALICE_PUBLIC.replace("MFkw", "Version: 1\n\nMFkw"), KeyFormatError::Pem),
        (ALICE_PUBLIC.replace("mw==", "mx=="), KeyFormatError::Pem),
        (ALICE_PUBLIC.replace("mw==", "mw"), KeyFormatError::Pem),
        (ALICE_PUBLIC.replace("mw==", "m-=="), KeyFormatError::Pem),
        (format!("{begin}\n{end}\n"), KeyFormatError::Pem),
        (ALICE_PUBLIC.replace("mw==", "mwAA"), KeyFormatError::TrailingBytes),
        (" ".repeat(30 * 1024), KeyFormatError::TooLong { max: 24 * 1024 }),
    ] {
        assert_eq!(public(&bad), Err(error), "{}", &bad[..bad.len().min(300)]);
    }
    // What `openssl ecparam -genkey` writes: two blocks, of which the second is the key.
    let parameters = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";
    assert_eq!(private(&format!("{parameters}{ALICE_SEC1}")), Err(KeyFormatError::SeveralBlocks));
    assert_eq!(private(&ALICE_PKCS8.replace("PRIVATE", "EC PRIVATE")), Err(KeyFormatError::Label));
    assert_eq!(private(&ALICE_SEC1.replace("EC PRIVATE", "PRIVATE")), Err(KeyFormatError::Label));
}

macro_rules! round_trip {
    ($($signing:ident, $verifying:ident;)*) => { $(
        let key = $signing::generate(&SystemEntropy).unwrap();
        let thumbprint = key.verifying_key().thumbprint();
        for back in [$signing::from_pem(&key.to_pem()).unwrap(), $signing::from_der(&key.to_der()).unwrap()] {
            assert_eq!(back.verifying_key().thumbprint(), thumbprint);
            assert_eq!(text(&back.to_pem()), text(&key.to_pem()));
        }
        let public = key.verifying_key();
        let (pem, der, jwk) = (public.to_pem(), public.to_der(), public.to_jwk());
        for back in [
            $verifying::from_pem(&pem).unwrap(),
            $verifying::from_der(&der).unwrap(),
            $verifying::from_jwk(&jwk).unwrap(),
        ] {
            assert_eq!(back.thumbprint(), thumbprint);
        }
        assert!($signing::from_pem(&secret(&pem)).is_err());
        assert!($verifying::from_pem(text(&key.to_pem())).is_err());
        assert!($verifying::from_der(key.to_der().expose()).is_err());
    )* };
}

#[test]
fn keys_come_back_as_they_went_out() {
    for _ in 0..20 {
        round_trip! {
            Es256SigningKey, Es256VerifyingKey;
            Es384SigningKey, Es384VerifyingKey;
            Es512SigningKey, Es512VerifyingKey;
            Ed25519SigningKey, Ed25519VerifyingKey;
        }
    }
}

#[test]
fn points_come_back_as_they_went_out() {
    let key = Es384SigningKey::generate(&SystemEntropy).unwrap().verifying_key();
    let point = key.to_sec1();
    assert_eq!((point.len(), point[0]), (97, 0x04));
    assert_eq!(Es384VerifyingKey::from_sec1(&point).unwrap().thumbprint(), key.thumbprint());
    let compressed = [&[0x02][..], &point[1..49]].concat();
    for bad in [&compressed[..], &point[1..], &[0], &[], &[0x04]] {
        assert_eq!(Es384VerifyingKey::from_sec1(bad).map(drop), Err(KeyError::Length), "infinity too");
    }
    assert_eq!(Es256VerifyingKey::from_sec1(&point).map(drop), Err(KeyError::Length));
    let key = Ed25519SigningKey::generate(&SystemEntropy).unwrap().verifying_key();
    assert_eq!(Ed25519VerifyingKey::from_raw(&key.to_raw()).unwrap().thumbprint(), key.thumbprint());
    let mut small = [0; 32];
    small[0] = 1;
    assert_eq!(Ed25519VerifyingKey::from_raw(&small).map(drop), Err(KeyError::SmallOrder));
}

proptest! {
    /// No text makes the readers panic.
    #[test]
    fn no_text_makes_the_readers_panic(
        at in any::<prop::sample::Index>(),
        with in prop::sample::select(vec!["", "-", "\n", "\r", ":", "=", "A", "é", "-----BEGIN ", "-----"]),
        other in ".{0,300}",
    ) {
        for pem in [ALICE_PUBLIC, ALICE_SEC1, ED25519_PRIVATE_V2, ENCRYPTED_AS_BEFORE, CERTIFICATE] {
            let at = at.index(pem.len());
            let changed = format!("{}{with}{}", &pem[..at], &pem[at + 1..]);
            let _ = (public(&changed).is_ok(), private(&changed).is_ok());
        }
        let block = format!("-----BEGIN PUBLIC KEY-----\n{other}\n-----END PUBLIC KEY-----\n");
        let _ = (public(&other).is_ok(), private(&other).is_ok(), public(&block).is_ok());
    }
}

//! What accounts are proven by: `otpauth` URIs, API keys, Basic headers, stored password hashes, tokens of links.

use std::sync::{Arc, LazyLock};

use auth_core::{Malformed, SystemEntropy, UnixTime};
use auth_credentials::{
    ApiKeyCredential, ApiKeyPrefix, Argon2Params, BasicCredential, ForeignHashes, LinkBase, MailAddress,
    OneTimeToken, OtpUri, PasswordHash, PasswordHasher, Pbkdf2Digest,
};

/// URIs of other programs, and what is typed for the device that they describe.
pub fn otpauth(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let (uri, typed) = text.split_once('\n').unwrap_or((text, "000000"));
    let _ = MailAddress::canonical(typed);
    let Ok(uri) = OtpUri::parse(uri) else { return };
    for now in [UnixTime::EPOCH, UnixTime::from_secs(1_300_819_300), UnixTime::MAX] {
        for last in [None, Some(0), Some(u64::MAX)] {
            let _ = uri.device().judge(typed, last, now);
        }
        if let Some(code) = uri.device().code_now(now) {
            assert_eq!(code.len(), usize::from(uri.device().key().digits().get()));
        }
    }
    // What is written is read the same, but for what a name had around it.
    let again = OtpUri::parse(&uri.expose()).unwrap();
    assert_eq!((again.issuer(), again.account()), (uri.issuer(), uri.account()));
    assert_eq!(again.expose(), uri.expose());
}

static PREFIX: LazyLock<ApiKeyPrefix> = LazyLock::new(|| ApiKeyPrefix::parse("acme").unwrap());

/// Keys, as they are and behind `Bearer`; and what else comes in by links.
pub fn api_key(bytes: &[u8]) {
    let read = PREFIX.read(bytes);
    if read.is_ok() {
        // One spelling: nothing of it can be left out, and none of it is of another prefix.
        assert!(bytes.starts_with(b"acme_") && bytes.len() == 70 && bytes.is_ascii());
        assert!(PREFIX.read(bytes.get(1..).unwrap()).is_err());
        assert!(ApiKeyPrefix::parse("acm").unwrap().read(bytes).is_err());
        assert!(ApiKeyCredential::bearer(&[b"Bearer ", bytes].concat(), None).is_ok());
    }
    let _ = ApiKeyCredential::bearer(bytes, None);
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Some(token) = OneTimeToken::parse(text) {
        assert_eq!(*token.expose(), text, "a token has one spelling");
    }
    if let Ok(base) = LinkBase::parse(text) {
        assert_eq!(LinkBase::parse(base.as_str()).as_ref(), Ok(&base));
    }
}

/// `Authorization: Basic` headers.
pub fn basic(bytes: &[u8]) {
    let read = BasicCredential::parse(bytes, None);
    if bytes.len() > BasicCredential::MAX_LEN {
        assert_eq!(read.err(), Some(Malformed::TooLarge));
        return;
    }
    let Ok(credential) = read else { return };
    // What was read is nowhere printed, and has one spelling but for its scheme and the spaces behind that.
    assert!(format!("{credential:?}").len() < 200);
    let at = bytes.iter().rposition(|byte| *byte == b' ').unwrap();
    let (scheme, encoded) = bytes.split_at(at.saturating_add(1));
    assert!(scheme.trim_ascii().eq_ignore_ascii_case(b"basic"));
    assert!(encoded.len().is_multiple_of(4) && encoded.is_ascii());
    assert!(BasicCredential::parse(&[b"Basic ", encoded].concat(), None).is_ok());
    for end in [&b"="[..], b"A", b" ", b"\n", b","] {
        assert!(BasicCredential::parse(&[bytes, end].concat(), None).is_err());
    }
}

static HASHER: LazyLock<PasswordHasher> =
    LazyLock::new(|| PasswordHasher::new(Argon2Params::OWASP, Arc::new(SystemEntropy)).unwrap());

static ACCEPTING: LazyLock<PasswordHasher> = LazyLock::new(|| {
    let mut all = ForeignHashes::none().with_bcrypt(4).unwrap().with_scrypt(1, 1, 1).unwrap();
    for digest in [Pbkdf2Digest::Sha1, Pbkdf2Digest::Sha256, Pbkdf2Digest::Sha512] {
        all = all.with_pbkdf2(digest, 1).unwrap();
    }
    HASHER.clone().accepting(all)
});

/// Stored hashes, ours and those of other programs: whatever a row says, reading it costs nothing, and what is read is written again.
pub fn phc(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(hash) = PasswordHash::parse(text) else { return };
    assert_eq!(hash.expose_phc().expose(), bytes, "a stored hash is written as it was read");
    assert!(hash.params().is_none_or(|params| params.memory_kib() <= 256 << 10));
    // Only Argon2id is checked unless somebody asked for more, and only with a pepper that is there.
    if HASHER.judge(&hash).is_ok() {
        assert!(hash.params().is_some());
    }
    assert!(ACCEPTING.judge(&hash).is_ok() || hash.params().is_some());
    let shown = format!("{hash:?}");
    assert!(text.rsplit('$').next().is_none_or(|tag| !shown.contains(tag)), "{shown}");
}

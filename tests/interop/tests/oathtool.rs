//! One-time codes beside those of OATH Toolkit, which `./scripts/test` installs.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "test code"
)]

use std::{
    io::Write,
    num::NonZeroU16,
    process::{Command, Stdio},
};

use auth_core::{Secret, SystemEntropy, UnixTime, entropy_array};
use auth_credentials::{OtpAlgorithm, OtpDevice, OtpDigits, OtpKey, OtpUri, OtpVerdict};

/// As many codes as one call prints.
const CODES: u64 = 100;

/// What `oathtool` prints for the secret in base32, with these arguments.
fn oathtool(secret: &str, arguments: &[String]) -> Vec<String> {
    let mut child = Command::new("oathtool")
        .args(["--base32", &format!("--window={}", CODES - 1)])
        .args(arguments)
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("oathtool does not start, `./scripts/test` installs it: {error}"));
    child.stdin.take().unwrap().write_all(secret.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{arguments:?}");
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// A key of any length and sort, with another number.
fn random_key() -> (OtpKey, u64) {
    let bytes: [u8; 80] = entropy_array(&SystemEntropy).unwrap();
    let len = 16 + usize::from(bytes[0] % 49);
    let algorithm =
        [OtpAlgorithm::Sha1, OtpAlgorithm::Sha256, OtpAlgorithm::Sha512][usize::from(bytes[1] % 3)];
    let digits = OtpDigits::new(6 + bytes[2] % 3).unwrap();
    let key = OtpKey::new(Secret::new(bytes[16..16 + len].to_vec()), algorithm, digits).unwrap();
    (key, u64::from_be_bytes(bytes[8..16].try_into().unwrap()))
}

/// 8,000 codes by the time, up to the year 10,000, with periods of 10 seconds to five minutes.
#[test]
fn codes_by_the_time_agree() {
    for _ in 0..80 {
        let (key, number) = random_key();
        let period = NonZeroU16::new(10 + u16::try_from(number % 290).unwrap()).unwrap();
        let now = number % 253_402_300_000;
        let device = OtpDevice::totp_every(key.clone(), period);
        let uri = OtpUri::new("Test", "ann", device.clone()).unwrap();
        let theirs = oathtool(
            &uri.expose_secret(),
            &[
                format!("--totp={}", key.algorithm().as_str()),
                format!("--digits={}", key.digits().get()),
                format!("--time-step-size={period}s"),
                format!("--now=@{now}"),
            ],
        );
        assert_eq!(theirs.len(), CODES as usize);
        for (ahead, theirs) in (0..).zip(&theirs) {
            let then = UnixTime::from_secs(now + ahead * u64::from(period.get()));
            assert_eq!(*device.code_now(then).unwrap(), *theirs, "{:?} at {then}", key.algorithm());
            assert!(matches!(device.judge(theirs, None, then), OtpVerdict::Accepted { .. }));
        }
    }
}

/// 2,000 codes by a counter. `oathtool` makes these of SHA-1 only.
#[test]
fn codes_by_a_counter_agree() {
    for _ in 0..20 {
        let (key, number) = random_key();
        let secret: [u8; 20] = entropy_array(&SystemEntropy).unwrap();
        let key = OtpKey::new(Secret::new(secret.to_vec()), OtpAlgorithm::Sha1, key.digits()).unwrap();
        let counter = number >> 2;
        let uri = OtpUri::new("Test", "ann", OtpDevice::hotp(key.clone())).unwrap();
        let arguments =
            ["--hotp".to_owned(), format!("--digits={}", key.digits().get()), format!("--counter={counter}")];
        let theirs = oathtool(&uri.expose_secret(), &arguments);
        assert_eq!(theirs.len(), CODES as usize);
        for (ahead, theirs) in (0..).zip(&theirs) {
            assert_eq!(*key.code_at(counter + ahead), *theirs);
            let verdict = uri.device().judge(theirs, Some(counter + ahead - 1), UnixTime::EPOCH);
            assert_eq!(verdict, OtpVerdict::Accepted { step: counter + ahead });
        }
    }
}

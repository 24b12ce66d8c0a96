//! Client certificates. These were made by OpenSSL 3.0 (`openssl ca -selfsign`), with keys that nobody has.

use std::time::Duration;

use auth_core::{
    AccountChange, AccountStatus, AuthenticateError, Authenticated, Authenticator, Limits, Method, Realm,
    Refusal, RejectionReason,
    testing::{FailWith, block_on},
};
use auth_credentials::{
    CertificateAuthenticator, CertificateCredential, CertificateError, CertificateName, VerifiedCertificate,
};
use base64::{Engine, engine::general_purpose::STANDARD};

use crate::support::{
    address,
    app::{App, NEXT, PASSWORD},
    mail::ANN,
    person::refused_everything,
};

/// `spiffe://example.com/sync` and `Sync.Example.com`, from 14 January 2027 to 1 January 2028; an address and a mailbox too.
const SYNC: &str = "MIIBkTCCATagAwIBAgIUAx/y2hM55WNtrOgbv4RXsfQHIVEwCgYIKoZIzj0EAwIwDzENMAsGA1UEAwwEc3luYzAeFw0yNzAx\
    MTQwMDAwMDBaFw0yODAxMDEwMDAwMDBaMA8xDTALBgNVBAMMBHN5bmMwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASs/VVQ\
    0lytVBjl7YAWmesk2FFpv28s0dx09X5GEghqmxaS0vUzNuuJ6je11cdRz9EmILKscxENkNmoAN6xw1u0o3AwbjBNBgNVHREE\
    RjBEhhlzcGlmZmU6Ly9leGFtcGxlLmNvbS9zeW5jghBTeW5jLkV4YW1wbGUuY29thwQKAAABgQ9hbm5AZXhhbXBsZS5jb20w\
    HQYDVR0OBBYEFAmYg1G+Gl2n0n+YjeX/+bqPxqeqMAoGCCqGSM49BAMCA0kAMEYCIQD5epkIsg8U1qEggsndPLsM2OveQPWa\
    7mbR4BgAiuX/lAIhANO+pj4x2Ib6T3bArjXK88eDAOVoKX1KY0342cWwvl2x";

/// `later.example.com`, from 1 February 2027.
const LATER: &str = "MIIBYDCCAQegAwIBAgIUPVngjquDC0ZZPYHzqdiBqFkmQSUwCgYIKoZIzj0EAwIwEDEOMAwGA1UEAwwFbGF0ZXIwHhcNMjcw\
    MjAxMDAwMDAwWhcNMjgwMTAxMDAwMDAwWjAQMQ4wDAYDVQQDDAVsYXRlcjBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABOV5\
    T6i5vasNoLc3J64yExWyYHOoavLzWj+8yJdiay5V2f7xHhKeKdkZRLNnZVdSqMfYBu3f15Eht3Wc/jDEq+WjPzA9MBwGA1Ud\
    EQQVMBOCEWxhdGVyLmV4YW1wbGUuY29tMB0GA1UdDgQWBBTb1JXPYwx2pgJrc5+XSECdpeK1JDAKBggqhkjOPQQDAgNHADBE\
    AiB+Q9MXw/7Ob1LE644Q+YoVRLXttypNimpyoEFOztSRTQIgFFnxsQM2SuJ3NQnLvvUfdXPrg0dBiTJaChJSm/cAqyk=";

/// `*.example.com`.
const WILD: &str = "MIIBWjCCAQGgAwIBAgIURsmnQYp8pgjNDa/ba0724RrbhJgwCgYIKoZIzj0EAwIwDzENMAsGA1UEAwwEd2lsZDAeFw0yNzAx\
    MTQwMDAwMDBaFw0yODAxMDEwMDAwMDBaMA8xDTALBgNVBAMMBHdpbGQwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASXSUsn\
    leKtmCK3c6rKMFuieTaNGsWol0WVKYDdhG+eY8g0ZVi7XFlCbd5Js9JG84v1LJ3qcOYAIxdJ1o4Zahn2ozswOTAYBgNVHREE\
    ETAPgg0qLmV4YW1wbGUuY29tMB0GA1UdDgQWBBRzHQOZgNQODtYx2I3X0xxHQASbOzAKBggqhkjOPQQDAgNHADBEAiAPEsVm\
    +clvRvU3MmoKfeAfifXXommJh+RuV4XBCVosUAIgdOuY2QxfuVOxS61yuWT36mxANydlHmtS8fFVcFviiYA=";

/// 17 host names.
const MANY: &str = "MIICbTCCAhOgAwIBAgIUf38yz5Eb6hIJrvtPKDysPKgOuugwCgYIKoZIzj0EAwIwDzENMAsGA1UEAwwEbWFueTAeFw0yNzAx\
    MTQwMDAwMDBaFw0yODAxMDEwMDAwMDBaMA8xDTALBgNVBAMMBG1hbnkwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAARgSSvL\
    fbozH4nTRFhNySnClMxh222fSrOb0UTS+uXH9GGw26XBllnlJKSpwqMade0EXStC4WU5Vy2d4On2cKE9o4IBSzCCAUcwggEk\
    BgNVHREEggEbMIIBF4IOaDAuZXhhbXBsZS5jb22CDmgxLmV4YW1wbGUuY29tgg5oMi5leGFtcGxlLmNvbYIOaDMuZXhhbXBs\
    ZS5jb22CDmg0LmV4YW1wbGUuY29tgg5oNS5leGFtcGxlLmNvbYIOaDYuZXhhbXBsZS5jb22CDmg3LmV4YW1wbGUuY29tgg5o\
    OC5leGFtcGxlLmNvbYIOaDkuZXhhbXBsZS5jb22CD2gxMC5leGFtcGxlLmNvbYIPaDExLmV4YW1wbGUuY29tgg9oMTIuZXhh\
    bXBsZS5jb22CD2gxMy5leGFtcGxlLmNvbYIPaDE0LmV4YW1wbGUuY29tgg9oMTUuZXhhbXBsZS5jb22CD2gxNi5leGFtcGxl\
    LmNvbTAdBgNVHQ4EFgQUhuB84muA2qOIUGUmgWMP+n/xabIwCgYIKoZIzj0EAwIDSAAwRQIhAIi7KDfiDcTy8iDXGGyIyZ+2\
    ckljxUm0yfvtT8dSXhQVAiB276X5TmENcYO7L+TStGYfGFlIRBqSLROk83MV6foEZA==";

/// No subject alternative name.
const BARE: &str = "MIIBFzCBvwIUeVvrp4egBAh6+7evsVUMARGoxxIwCgYIKoZIzj0EAwIwDzENMAsGA1UEAwwEYmFyZTAeFw0yNzAxMTQwMDAw\
    MDBaFw0yODAxMDEwMDAwMDBaMA8xDTALBgNVBAMMBGJhcmUwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAT0jQvZfqBj2mde\
    ESSrpkqI6Dlt+p2gMkBlN6cXbG388JPDYTgfACi0N7urWXGW/mDb9Lt4pRveEP6BB41+C4owMAoGCCqGSM49BAMCA0cAMEQC\
    IEKfI3DGAnkU6gAKdQSMKO3f53T2QzpR+Awi4sVdfbICAiB94rKXCjtGKjiKtjJb/5jhH1uJFKIUxGcEVH2urGmrXw==";

fn der(text: &str) -> Vec<u8> {
    STANDARD.decode(text).unwrap()
}

fn verified(text: &str) -> VerifiedCertificate {
    VerifiedCertificate::assertion(&der(text)).unwrap()
}

fn spiffe() -> CertificateName {
    CertificateName::uri("spiffe://example.com/sync").unwrap()
}

struct Devices {
    app: App,
    certificates: CertificateAuthenticator,
}

impl Devices {
    fn new() -> Self {
        let app = App::new();
        app.sign_up("ann", PASSWORD);
        app.sign_up("bob", NEXT);
        let certificates = CertificateAuthenticator::new(app.accounts.clone());
        Self { app, certificates }
    }

    fn bind(&self, login: &str, name: &CertificateName) -> Result<(), CertificateError> {
        block_on(self.certificates.bind(&self.app.id(login), name))
    }

    fn unbind(&self, login: &str, name: &CertificateName) -> Result<(), CertificateError> {
        block_on(self.certificates.unbind(&self.app.id(login), name))
    }

    fn present(&self, text: &str) -> Result<Authenticated, AuthenticateError> {
        let credential = CertificateCredential::new(verified(text), Some(address(1)));
        block_on(self.certificates.authenticate(credential))
    }

    fn refused(&self, text: &str) -> RejectionReason {
        let error = self.present(text).unwrap_err();
        assert_eq!(error.to_string(), "credential refused");
        *self.app.reasons().last().unwrap()
    }
}

#[test]
fn a_certificate_is_its_fingerprint_and_the_names_that_it_carries() {
    let names =
        |text: &str| -> Vec<String> { verified(text).names().iter().map(ToString::to_string).collect() };
    let sync = names(SYNC);
    assert_eq!(sync[0], CertificateName::fingerprint_of(&der(SYNC)).to_string());
    assert!(sync[0].starts_with("sha256:") && sync[0].len() == 71);
    // Neither the common name nor the address nor the mailbox is a name.
    assert_eq!(sync[1..], ["uri:spiffe://example.com/sync", "dns:sync.example.com"]);
    assert_eq!(names(BARE).len(), 1);
    assert_eq!(names(WILD).len(), 1, "a wildcard names nobody");
}

/// Whatever bytes a TLS library hands over, they are a certificate or an error.
#[test]
fn what_is_no_certificate_is_refused() {
    let good = der(SYNC);
    for end in 0..good.len() {
        assert!(VerifiedCertificate::assertion(&good[..end]).is_err(), "{end}");
    }
    let trailing = [&good[..], b"\0"].concat();
    let huge = vec![0x30; VerifiedCertificate::MAX_LEN + 1];
    for bad in [&trailing[..], &huge, b"", b"-----BEGIN CERTIFICATE-----", &der(MANY)] {
        assert!(matches!(VerifiedCertificate::assertion(bad), Err(CertificateError::Malformed)));
    }
    for at in 0..good.len() {
        let mut changed = good.clone();
        changed[at] ^= 0x81;
        // Whatever comes of it, it is another certificate.
        if let Ok(other) = VerifiedCertificate::assertion(&changed) {
            assert_ne!(other.names()[0], verified(SYNC).names()[0]);
        }
    }
    for bad in ["", "a b", "caf\u{e9}", &"x".repeat(513)] {
        assert!(CertificateName::uri(bad).is_none(), "{bad}");
    }
    for bad in ["", ".", "a..b", "*.example.com", "a b", "a.", &"x".repeat(64), &"a.".repeat(127)] {
        assert!(CertificateName::dns(bad).is_none(), "{bad}");
    }
}

/// That an authority vouches for somebody makes no account of ours.
#[test]
fn a_certificate_acts_for_whom_it_was_bound_to() {
    let devices = Devices::new();
    assert_eq!(devices.refused(SYNC), RejectionReason::Unknown);
    let fingerprint = CertificateName::fingerprint_of(&der(SYNC));
    for name in [fingerprint, spiffe(), CertificateName::dns("SYNC.example.com").unwrap()] {
        devices.bind("ann", &name).unwrap();
        let who = devices.present(SYNC).unwrap();
        assert_eq!(who.principal(), &devices.app.id("ann"));
        assert_eq!(who.authentication().methods, [Method::CERTIFICATE]);
        assert_eq!(*who.limits(), Limits::unlimited());
        assert_eq!(devices.refused(BARE), RejectionReason::Unknown);
        assert!(matches!(devices.bind("bob", &name), Err(CertificateError::Taken)));
        assert!(matches!(devices.unbind("bob", &name), Err(CertificateError::NotBound)));
        devices.unbind("ann", &name).unwrap();
        assert_eq!(devices.refused(SYNC), RejectionReason::Unknown);
    }
    assert!(devices.app.audit.has("credential.added") && devices.app.audit.has("credential.removed"));
}

/// One certificate with the names of two accounts must not be the one or the other by their order.
#[test]
fn a_certificate_of_two_accounts_is_nobodys() {
    let devices = Devices::new();
    devices.bind("ann", &spiffe()).unwrap();
    assert!(devices.present(SYNC).is_ok());
    devices.bind("bob", &CertificateName::dns("sync.example.com").unwrap()).unwrap();
    assert_eq!(devices.refused(SYNC), RejectionReason::Policy);
    // Names of one sort are not those of another.
    assert!(CertificateName::uri("sync.example.com") != CertificateName::dns("sync.example.com"));
}

/// One tenant's authority vouches for nobody of another tenant.
#[test]
fn a_certificate_is_nobodys_in_another_realm() {
    let devices = Devices::new();
    devices.bind("ann", &spiffe()).unwrap();
    let elsewhere = devices.certificates.clone().in_realm(Realm::local("other").unwrap());
    let elsewhere = Devices { certificates: elsewhere, ..devices };
    assert_eq!(elsewhere.refused(SYNC), RejectionReason::Unknown);
    let error = elsewhere.bind("ann", &spiffe()).unwrap_err();
    assert_eq!(Refusal::from(error).status(), 401);
    assert_eq!(elsewhere.refused(SYNC), RejectionReason::Unknown);
}

/// A connection may live longer than the certificate that it was made with, or than the account.
#[test]
fn a_certificate_ends_with_its_time_and_with_its_account() {
    let devices = Devices::new();
    devices.bind("ann", &spiffe()).unwrap();
    devices.bind("ann", &CertificateName::dns("later.example.com").unwrap()).unwrap();
    assert_eq!(devices.refused(LATER), RejectionReason::NotYetValid);
    devices.app.change("ann", AccountChange::Status(AccountStatus::Disabled));
    assert_eq!(devices.refused(SYNC), RejectionReason::Disabled);
    devices.app.change("ann", AccountChange::Status(AccountStatus::Active));
    // To the second: 2028-01-01T00:00:00Z is the last one.
    devices.app.clock.step(Duration::from_secs(1_830_297_600 - 1_800_000_000));
    assert!(devices.present(SYNC).is_ok() && devices.present(LATER).is_ok());
    devices.app.clock.step(Duration::from_secs(1));
    assert_eq!(devices.refused(SYNC), RejectionReason::Expired);
}

/// What presents a certificate is a program: it makes nothing that outlives it.
#[test]
fn a_certificate_changes_neither_factors_nor_keys_nor_the_address() {
    refused_everything(|person| {
        let certificates = CertificateAuthenticator::new(person.post.accounts.clone());
        block_on(certificates.bind(&person.post.app.id(ANN), &spiffe())).unwrap();
        let credential = CertificateCredential::new(verified(SYNC), None);
        block_on(certificates.authenticate(credential)).unwrap()
    });
}

#[test]
fn a_store_that_fails_is_503_and_never_a_request() {
    let devices = Devices::new();
    devices.bind("ann", &spiffe()).unwrap();
    for how in [FailWith::NotWritten, FailWith::Timeout, FailWith::LostAnswer] {
        devices.app.store.inner.fail_with(Some(how));
        assert_eq!(Refusal::from(devices.present(SYNC).unwrap_err()).status(), 503);
    }
}

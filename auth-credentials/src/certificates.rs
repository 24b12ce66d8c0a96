//! Client certificates.

pub(crate) mod certificate;
pub(crate) mod error;

use std::{fmt, net::IpAddr};

use async_trait::async_trait;
use auth_core::{
    AccountChange, AccountStatus, Applied, AuditEvent, AuthenticateError, Authenticated, Authentication,
    Authenticator, CredentialBlob, CredentialKey, CredentialKind, CredentialRecord, EpochBump,
    FoundCredential, Method, PrincipalId, Realm, RejectionReason, StoreError,
};

use self::{
    certificate::{CertificateName, VerifiedCertificate},
    error::CertificateError,
};
use crate::accounts::{Accounts, TRIES};

/// Finds whose a client certificate is that TLS has verified, and yields an [`Authenticated`] (RFC 8705 section 2 calls
/// the two ways PKI and self-signed): mutual TLS for programs and devices.
///
/// An account is [bound](Self::bind) to a certificate by its fingerprint, or to a name that certificates of your authority
/// carry as a subject alternative name. Nobody has it until it is bound: that an authority vouches for somebody makes no
/// account. Where the names of one certificate lead to two accounts, it is nobody's.
///
/// Such a request opens no session and changes neither factors nor keys nor the address. A binding outlives the sessions
/// of its owner; what ends it is [`unbind`](Self::unbind), disabling the account, or the certificate's own end.
///
/// # What it withstands
///
/// Mutual TLS (RFC 8705 section 2), with the feature `certificates`. Your TLS server verifies the chain, the dates
/// and that the peer has the key; here it is found out whose the certificate is. An account is bound to one
/// certificate by its SHA-256, or to a URI (a SPIFFE id) or host name that certificates of your authority carry as
/// a subject alternative name.
///
/// ```rust
/// # #[cfg(feature = "certificates")]
/// # mod demo {
/// # use std::net::IpAddr;
/// # use auth_core::{Authenticated, Authenticator, PrincipalId};
/// # use auth_credentials::{Accounts, CertificateAuthenticator, CertificateCredential, CertificateName, VerifiedCertificate};
/// # async fn demo(accounts: Accounts, backup: &PrincipalId, der: &[u8], peer: Option<IpAddr>) -> Result<(), Box<dyn std::error::Error>> {
/// let certificates = CertificateAuthenticator::new(accounts);
/// let name = CertificateName::uri("spiffe://example.com/backup").ok_or("no name")?;
/// certificates.bind(backup, &name).await?; // whoever may do that, once
///
/// // For each request, `der` being the peer's own certificate of this connection, which TLS has verified:
/// let verified = VerifiedCertificate::assertion(der)?;
/// let request: Authenticated = certificates.authenticate(CertificateCredential::new(verified, peer)).await?;
/// # drop(request);
/// # Ok(()) } }
/// ```
///
/// - *A certificate that nobody verified* is the caller's word: `VerifiedCertificate::assertion` is the only way to
///   make one, so every place is one search away. Take it from the connection, and never from a header that a
///   client could have written.
/// - *An authority that vouches for anybody* makes no account: `a_certificate_acts_for_whom_it_was_bound_to`.
///   Whoever can have it sign a name has what is bound to that name; a fingerprint trusts it with nothing. Common
///   names, addresses, mailboxes and wildcards are no names:
///   `a_certificate_is_its_fingerprint_and_the_names_that_it_carries`.
/// - *A certificate with the names of two accounts* is nobody's: `a_certificate_of_two_accounts_is_nobodys`. Nor
///   has it anybody in another realm: `a_certificate_is_nobodys_in_another_realm`.
/// - *A stolen key* works until `unbind`, or the account is disabled, at once, or the certificate ends, even on a
///   connection that was made before: `a_certificate_ends_with_its_time_and_with_its_account`. Revocation lists are
///   for TLS to look at. It opens no session, makes no key and changes neither factors nor the address:
///   `a_certificate_changes_neither_factors_nor_keys_nor_the_address`.
/// - *Whoever took an account over* may have had it bound to stay: a new password does not end a binding. Let
///   administrators bind, and look through `CredentialStore::list`.
/// - *Bytes that are no certificate*, or have more than 16 KiB or 16 names, are an error before anything is looked
///   up: `what_is_no_certificate_is_refused`.
/// - *A copy of the database* has fingerprints and names. They are no secret, and open nothing.
#[derive(Clone)]
pub struct CertificateAuthenticator {
    accounts: Accounts,
    realm: Realm,
}

/// A verified certificate, and from where it was presented.
#[derive(Debug, Clone)]
pub struct CertificateCredential {
    certificate: VerifiedCertificate,
    source: Option<IpAddr>,
}

impl CertificateCredential {
    /// A certificate that came with a request from `source`.
    #[must_use]
    pub const fn new(certificate: VerifiedCertificate, source: Option<IpAddr>) -> Self {
        Self { certificate, source }
    }
}

impl CertificateAuthenticator {
    /// For these accounts.
    #[must_use]
    pub const fn new(accounts: Accounts) -> Self {
        Self { accounts, realm: Realm::LOCAL }
    }

    /// The same for the accounts of this realm instead of [`Realm::LOCAL`].
    #[must_use]
    pub fn in_realm(mut self, realm: Realm) -> Self {
        self.realm = realm;
        self
    }

    /// Binds an account to certificates of this name from now on. Whether the caller may is the caller's to check.
    ///
    /// # Errors
    /// [`CertificateError::Taken`] if an account is bound to it already.
    pub async fn bind(&self, owner: &PrincipalId, name: &CertificateName) -> Result<(), CertificateError> {
        let checks = self.accounts.authenticator();
        let key = self.key(name);
        if *owner.realm() != self.realm {
            return Err(RejectionReason::Unknown.into());
        }
        for _ in 0..TRIES {
            let account = checks.stores.accounts.by_id(owner).await?.ok_or(RejectionReason::Unknown)?;
            if account.status != AccountStatus::Active {
                return Err(RejectionReason::Disabled.into());
            }
            if checks.stores.credentials.find(&key).await?.is_some() {
                return Err(CertificateError::Taken);
            }
            let nothing = CredentialBlob::new(&[]).ok_or(StoreError::full())?;
            let record = CredentialRecord::new(key.clone(), owner.clone(), nothing, checks.clock.now());
            let changes = [AccountChange::AddCredential(record)];
            match checks.stores.accounts.apply(owner, account.version, &changes, EpochBump::Keep).await? {
                Applied::Applied(_) => {
                    let (principal, id) = (owner.clone(), Some(name.to_string()));
                    checks.record(&AuditEvent::CredentialAdded {
                        principal,
                        method: Method::CERTIFICATE,
                        id,
                    });
                    return Ok(());
                }
                Applied::Gone => return Err(RejectionReason::Unknown.into()),
                Applied::Conflict | Applied::LoginTaken => {}
            }
        }
        Err(CertificateError::busy())
    }

    /// Ends a binding at once. Whether the caller may is the caller's to check.
    ///
    /// # Errors
    /// [`CertificateError::NotBound`] if the account is not bound to it.
    pub async fn unbind(&self, owner: &PrincipalId, name: &CertificateName) -> Result<(), CertificateError> {
        let checks = self.accounts.authenticator();
        let key = self.key(name);
        for _ in 0..TRIES {
            let account = checks.stores.accounts.by_id(owner).await?.ok_or(RejectionReason::Unknown)?;
            let found = checks.stores.credentials.find(&key).await?;
            if found.is_none_or(|found| found.credential.owner != *owner) {
                return Err(CertificateError::NotBound);
            }
            let changes = [AccountChange::RemoveCredential(key.clone())];
            match checks.stores.accounts.apply(owner, account.version, &changes, EpochBump::Keep).await? {
                Applied::Applied(_) => {
                    let (principal, id) = (owner.clone(), Some(name.to_string()));
                    let method = Method::CERTIFICATE;
                    checks.record(&AuditEvent::CredentialRemoved { principal, method, id });
                    return Ok(());
                }
                Applied::Gone => return Err(RejectionReason::Unknown.into()),
                Applied::Conflict | Applied::LoginTaken => {}
            }
        }
        Err(CertificateError::busy())
    }

    fn key(&self, name: &CertificateName) -> CredentialKey {
        CredentialKey {
            realm: self.realm.clone(),
            kind: CredentialKind::CERTIFICATE,
            lookup: name.lookup().into(),
        }
    }

    async fn check(
        &self,
        certificate: &VerifiedCertificate,
    ) -> Result<Result<Authentication, (RejectionReason, Option<PrincipalId>)>, AuthenticateError> {
        let checks = self.accounts.authenticator();
        let mut found: Option<FoundCredential> = None;
        for name in certificate.names() {
            let Some(other) = checks.stores.credentials.find(&self.key(name)).await? else { continue };
            if found.as_ref().is_some_and(|found| found.credential.owner != other.credential.owner) {
                return Ok(Err((RejectionReason::Policy, None)));
            }
            found = Some(other);
        }
        let Some(found) = found else { return Ok(Err((RejectionReason::Unknown, None))) };
        let (owner, now) = (found.credential.owner, checks.clock.now());
        // A connection may outlive the certificate that it was made with.
        let reason = if found.status != AccountStatus::Active {
            RejectionReason::Disabled
        } else if now < certificate.not_before {
            RejectionReason::NotYetValid
        } else if now > certificate.not_after {
            RejectionReason::Expired
        } else {
            let since = found.credential.created_at;
            return Ok(Ok(Authentication::new(owner, Method::CERTIFICATE, since, found.epoch)));
        };
        Ok(Err((reason, Some(owner))))
    }
}

#[async_trait]
impl Authenticator for CertificateAuthenticator {
    type Credential = CertificateCredential;
    type Proof = Authenticated;

    async fn authenticate(
        &self,
        credential: CertificateCredential,
    ) -> Result<Authenticated, AuthenticateError> {
        match self.check(&credential.certificate).await? {
            Ok(authentication) => Ok(Authenticated::assertion(authentication)),
            Err((reason, principal)) => {
                let (method, source) = (Method::CERTIFICATE, credential.source);
                let refused = AuditEvent::CredentialRefused { reason, method, principal, source };
                self.accounts.authenticator().record(&refused);
                Err(reason.into())
            }
        }
    }
}

impl fmt::Debug for CertificateAuthenticator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CertificateAuthenticator").field("realm", &self.realm).finish_non_exhaustive()
    }
}

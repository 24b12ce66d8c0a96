//! Values that all suites use.

use std::{sync::Arc, time::Duration};

use super::check::Wrong;
use crate::{
    Assurance, AuthEpoch, Authentication, ClientLabel, ClientSignals, KeyThumbprint, Limits, Method,
    PrincipalId, PrincipalKind, Purpose, Realm, Scopes, SecretHash, SessionTerms, UnixTime,
};

pub(super) const MINUTE: u64 = 60;
pub(super) const HOUR: u64 = 3_600;
pub(super) const DAY: u64 = 86_400;
pub(super) const YEAR: u64 = 365 * DAY;

/// When every check begins: 2100-01-01. In the future, so that a store whose server expires rows by its own
/// clock has them all.
pub(super) const START: UnixTime = UnixTime::from_secs(4_102_444_800);

pub(super) const PURPOSE: Purpose = Purpose::new("conformance");
pub(super) const OTHER_PURPOSE: Purpose = Purpose::new("conformance-other");

/// The moment `secs` after [`START`].
pub(super) const fn at(secs: u64) -> UnixTime {
    START.saturating_add(Duration::from_secs(secs))
}

/// One of many hashes.
pub(super) fn hash(n: u64) -> SecretHash {
    SecretHash::of(&n.to_be_bytes())
}

pub(super) fn user(id: &str) -> Result<PrincipalId, Wrong> {
    Ok(PrincipalId::local_user(id)?)
}

pub(super) fn other_realm() -> Result<Realm, Wrong> {
    Ok(Realm::issuer("https://issuer.example")?)
}

/// The longest name of a realm.
pub(super) fn long_realm() -> Result<Realm, Wrong> {
    Ok(Realm::parse(&format!("local:{}", "~".repeat(Realm::MAX_LEN.saturating_sub(6))))?)
}

/// The longest id of a principal, in an alphabet of two bytes a letter.
pub(super) fn long_id() -> String {
    format!("{}z", "й".repeat(PrincipalId::MAX_LEN / 2))
}

/// Ids that a careless comparison takes for one: by case, by white space, by Unicode normalisation, by a
/// pattern's wildcards, by quoting, by number.
pub(super) const LOOK_ALIKES: [&str; 16] = [
    "ann",
    "Ann",
    "ann ",
    " ann",
    "a%",
    "a_n",
    "a\\n",
    "a'n",
    "\u{e9}",
    "e\u{301}",
    "ann/user",
    "user/ann",
    "1",
    "01",
    "1.0",
    "ａｎｎ",
];

/// Principals that differ in one part only.
pub(super) fn near_namesakes() -> Result<[PrincipalId; 5], Wrong> {
    let id = |realm, kind| PrincipalId::new(realm, kind, "1");
    Ok([
        id(Realm::LOCAL, PrincipalKind::User)?,
        id(Realm::LOCAL, PrincipalKind::Service)?,
        id(Realm::LOCAL, PrincipalKind::Device)?,
        id(other_realm()?, PrincipalKind::User)?,
        id(Realm::local("https://issuer.example")?, PrincipalKind::User)?,
    ])
}

/// A login with everything that one can have, and every part as large as it may be.
pub(super) fn full_authentication(principal: PrincipalId, epoch: AuthEpoch) -> Result<Authentication, Wrong> {
    let methods = ["pwd", "otp", "hwk", "swk", "mfa", "a:b/c.d_e-f", "x", "m2345678901234567890123456789012"];
    let methods = methods.into_iter().map(Method::parse).collect::<Result<_, _>>()?;
    let mut scopes = Scopes::none();
    for n in 0..Scopes::MAX {
        scopes.insert(format!("https://scope.example/{n}#'%").parse()?)?;
    }
    let networks = ["10.0.0.0/8", "2001:db8::/32", "0.0.0.0/0"];
    let networks = networks.into_iter().map(str::parse).collect::<Result<_, _>>()?;
    let actor = PrincipalId::new(other_realm()?, PrincipalKind::Service, "ops \"team\" 漢字")?;
    Ok(Authentication::new(principal, Method::PASSWORD, UnixTime::MAX, epoch)
        .with_methods(methods)
        .with_assurance(Assurance::Aal3)
        .with_actor(actor)
        .with_limits(
            Limits::unlimited().with_scopes(scopes).with_tenant(long_realm()?).with_networks(networks),
        ))
}

/// Logins that are easily taken for each other, the dangerous pair first: no scope at all, and no limit.
pub(super) fn many_authentications(principal: &PrincipalId) -> Result<Vec<Arc<Authentication>>, Wrong> {
    let plain = || Authentication::new(principal.clone(), Method::PASSWORD, START, AuthEpoch::ZERO);
    let limits = |limits| plain().with_limits(limits);
    Ok([
        limits(Limits::unlimited().with_scopes(Scopes::none())),
        limits(Limits::unlimited()),
        limits(Limits::unlimited().with_scopes(Scopes::parse("users.read")?)),
        limits(Limits::unlimited().with_tenant(Realm::LOCAL)),
        limits(Limits::unlimited().with_networks(vec!["::/0".parse()?])),
        plain().with_methods(vec![Method::ONE_TIME_CODE, Method::PASSWORD]),
        plain().with_methods(vec![Method::PASSWORD, Method::ONE_TIME_CODE]),
        plain().with_methods(Vec::new()),
        plain().with_assurance(Assurance::Aal2),
        plain().with_actor(principal.clone()),
        Authentication::new(principal.clone(), Method::HARDWARE_KEY, UnixTime::EPOCH, AuthEpoch::ZERO),
        full_authentication(principal.clone(), AuthEpoch::ZERO)?,
    ]
    .into_iter()
    .map(Arc::new)
    .collect())
}

/// Terms of every sort: each member alone, all together, and as large as they can be.
pub(super) fn many_terms() -> Result<Vec<Arc<SessionTerms>>, Wrong> {
    let label = |text: &str| ClientLabel::parse(text).map(Some);
    let signals = ClientSignals::none().with_user_agent(b"Mozilla/5.0");
    let network = ClientSignals::none().with_address("2001:db8::1".parse()?);
    Ok([
        SessionTerms { idle: Some(Duration::from_secs(90)), ..SessionTerms::new() },
        SessionTerms { idle: Some(Duration::ZERO), ..SessionTerms::new() },
        SessionTerms { persistent: true, ..SessionTerms::new() },
        SessionTerms { device: label("Firefox on Linux")?, ..SessionTerms::new() },
        SessionTerms { place: label("S\u{e3}o Paulo; \"'\\%_")?, ..SessionTerms::new() },
        SessionTerms { signals, ..SessionTerms::new() },
        SessionTerms { signals: network, ..SessionTerms::new() },
        SessionTerms { actor_epoch: Some(AuthEpoch::new(i64::MAX as u64)), ..SessionTerms::new() },
        SessionTerms { bound_key: Some(KeyThumbprint::parse(&"k".repeat(64))?), ..SessionTerms::new() },
        full_terms()?,
    ]
    .into_iter()
    .map(Arc::new)
    .collect())
}

/// All that terms can say, as long as it can be said.
pub(super) fn full_terms() -> Result<SessionTerms, Wrong> {
    Ok(SessionTerms {
        idle: Some(Duration::from_secs(i64::MAX as u64)),
        persistent: true,
        device: Some(ClientLabel::parse(&"\u{6f22}".repeat(42))?),
        place: Some(ClientLabel::parse(&"\"".repeat(128))?),
        signals: ClientSignals::none().with_user_agent(b"").with_address("192.0.2.1".parse()?),
        actor_epoch: Some(AuthEpoch::new(1)),
        bound_key: Some(KeyThumbprint::parse("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs")?),
    })
}

/// Bytes of every value, `len` of them.
pub(super) fn bytes(len: usize) -> Vec<u8> {
    (0..=u8::MAX).cycle().take(len).collect()
}

//! Who a request acts for.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::text::{self, Class, NameError};

text::name! {
    /// The space in which a principal's id is unique: a local tenant, or a foreign issuer.
    ///
    /// A local realm is written `local:<name>` and a foreign one `issuer:<url>`, so that the subject `1`
    /// of a stranger is never local user 1.
    Realm, max: 512, class: Class::Visible
}

impl Realm {
    /// The realm of accounts kept here, for applications with a single tenant.
    pub const LOCAL: Self = Self::from_static("local:default");

    /// The realm of the accounts of one local tenant.
    ///
    /// # Errors
    /// [`NameError`] if `tenant` is empty, longer than 400 bytes or not visible ASCII.
    pub fn local(tenant: &str) -> Result<Self, NameError> {
        text::check(tenant, 400, Class::Visible)?;
        Self::parse(&format!("local:{tenant}"))
    }

    /// The realm of the subjects of a foreign token issuer, named by its `iss` (RFC 7519 section 4.1.1).
    ///
    /// # Errors
    /// [`NameError`] if `issuer` is empty, longer than 400 bytes or not visible ASCII.
    pub fn issuer(issuer: &str) -> Result<Self, NameError> {
        text::check(issuer, 400, Class::Visible)?;
        Self::parse(&format!("issuer:{issuer}"))
    }

    /// Whether its principals are kept here.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.as_str().starts_with("local:")
    }
}

/// What sort of entity a principal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum PrincipalKind {
    /// A person.
    User,
    /// A program that acts in its own name.
    Service,
    /// A piece of hardware that acts in its own name.
    Device,
}

impl PrincipalKind {
    /// The word that stores keep: `user`, `service` or `device`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Service => "service",
            Self::Device => "device",
        }
    }

    /// Reads what [`as_str`](Self::as_str) wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "user" => Some(Self::User),
            "service" => Some(Self::Service),
            "device" => Some(Self::Device),
            _ => None,
        }
    }
}

/// Names one principal: its realm, its kind and its id there. Cheap to clone.
///
/// Two of them are equal only if all three parts are; the parts are never joined into one string, so no
/// separator inside an id can make it another's.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PrincipalId(Arc<Parts>);

#[derive(PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Parts {
    realm: Realm,
    kind: PrincipalKind,
    id: Box<str>,
}

impl PrincipalId {
    /// The most bytes that the id may have.
    pub const MAX_LEN: usize = 255;

    /// Names a principal.
    ///
    /// # Errors
    /// [`NameError`] if `id` is empty, longer than 255 bytes or has a control character.
    pub fn new(realm: Realm, kind: PrincipalKind, id: &str) -> Result<Self, NameError> {
        text::check(id, Self::MAX_LEN, Class::Printable)?;
        Ok(Self(Arc::new(Parts { realm, kind, id: id.into() })))
    }

    /// A user of [`Realm::LOCAL`].
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn local_user(id: &str) -> Result<Self, NameError> {
        Self::new(Realm::LOCAL, PrincipalKind::User, id)
    }

    /// The space that the id belongs to.
    #[must_use]
    #[inline]
    pub fn realm(&self) -> &Realm {
        &self.0.realm
    }

    /// What sort of entity this is.
    #[must_use]
    #[inline]
    pub fn kind(&self) -> PrincipalKind {
        self.0.kind
    }

    /// The id within realm and kind.
    #[must_use]
    #[inline]
    pub fn id(&self) -> &str {
        &self.0.id
    }

    /// An unambiguous byte form, for keyed hashes and bindings: every part behind its length.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(
            self.realm().as_str().len().saturating_add(self.id().len()).saturating_add(32),
        );
        for part in [self.realm().as_str(), self.kind().as_str(), self.id()] {
            bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bytes.extend_from_slice(part.as_bytes());
        }
        bytes
    }
}

impl fmt::Debug for PrincipalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrincipalId({} {} {:?})", self.realm(), self.kind().as_str(), self.id())
    }
}

impl Serialize for PrincipalId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for PrincipalId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let parts = Parts::deserialize(deserializer)?;
        Self::new(parts.realm, parts.kind, &parts.id).map_err(serde::de::Error::custom)
    }
}

text::name! {
    /// Names a role, a named set of permissions. Letters, digits and `._-:/`; case counts.
    RoleName, max: 128, class: Class::Identifier
}

text::name! {
    /// Names a group of principals within its realm. Letters, digits and `._-:/`; case counts.
    GroupName, max: 128, class: Class::Identifier
}

/// States that a principal holds a role.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Assignment {
    /// Who holds it.
    pub principal: PrincipalId,
    /// What is held.
    pub role: RoleName,
}

text::name! {
    /// The name that a person types to log in, in its one canonical form.
    ///
    /// Visible ASCII, lower-cased: two accounts cannot differ by case, and no look-alike letter of another
    /// alphabet, no full-width `＠` and no invisible character gets in. Write an internationalised domain in
    /// its `xn--` form. [`canonical`](Self::canonical) takes what was typed; [`parse`](Self::parse) takes
    /// only what is canonical already.
    LoginName, max: 254, class: Class::Login
}

impl LoginName {
    /// The canonical form of what a person typed: white space around it dropped, ASCII letters lower-cased.
    ///
    /// # Errors
    /// [`NameError`] if what remains is empty, longer than 254 bytes or not visible ASCII.
    pub fn canonical(typed: &str) -> Result<Self, NameError> {
        // Capped first: what follows copies.
        if typed.len() > Self::MAX_LEN.saturating_mul(2) {
            return Err(NameError::TooLong { max: Self::MAX_LEN });
        }
        Self::parse(&typed.trim_matches(|c: char| c.is_ascii_whitespace()).to_ascii_lowercase())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A stranger's subject `1` must not be local user 1.
    #[test]
    fn the_same_id_in_two_realms_is_two_principals() {
        let local = PrincipalId::local_user("1").unwrap();
        let stranger =
            PrincipalId::new(Realm::issuer("https://a.example").unwrap(), PrincipalKind::User, "1").unwrap();
        let service = PrincipalId::new(Realm::LOCAL, PrincipalKind::Service, "1").unwrap();
        assert_ne!(local, stranger);
        assert_ne!(local, service);
        assert_ne!(local.to_bytes(), service.to_bytes());
        assert!(!stranger.realm().is_local());
    }

    /// A tenant named like an issuer, or an id with separators, bleeds nowhere.
    #[test]
    fn separators_in_parts_do_not_move_the_borders() {
        let a = PrincipalId::new(Realm::local("t/u").unwrap(), PrincipalKind::User, "x").unwrap();
        let b = PrincipalId::new(Realm::local("t").unwrap(), PrincipalKind::User, "u/x").unwrap();
        assert_ne!(a, b);
        assert_ne!(a.to_bytes(), b.to_bytes());
        assert_ne!(Realm::local("issuer:x").unwrap(), Realm::issuer("x").unwrap());
    }

    /// Homoglyphs and case (GHSA-7rqj-j65f-68wh).
    #[test]
    fn a_login_has_one_canonical_form() {
        let login = LoginName::canonical(" Ann@Example.COM\n").unwrap();
        assert_eq!(login.as_str(), "ann@example.com");
        for bad in ["", "ann＠example.com", "аnn@example.com", "a b@example.com", "ann\u{200b}@example.com"]
        {
            assert!(LoginName::canonical(bad).is_err(), "{bad:?}");
        }
        assert!(LoginName::canonical(&"a".repeat(255)).is_err());
        assert!(LoginName::canonical(&" ".repeat(100_000)).is_err());
    }

    #[test]
    fn a_principal_survives_serialisation_and_is_checked_on_the_way_in() {
        let id = PrincipalId::local_user("42").unwrap();
        let json = serde_json::to_string(&id).unwrap();
        assert_eq!(serde_json::from_str::<PrincipalId>(&json).unwrap(), id);
        let forged = json.replace("42", "4\\u00002");
        assert!(serde_json::from_str::<PrincipalId>(&forged).is_err());
        // Whoever wrote one more part meant somebody else than who has the other three.
        let longer = json.replace('}', r#","tenant":"acme"}"#);
        assert!(serde_json::from_str::<PrincipalId>(&longer).is_err());
    }
}

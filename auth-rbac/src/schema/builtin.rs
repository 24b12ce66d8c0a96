//! Attributes that every request has, or may have.

use crate::attribute::{
    Root,
    kind::{AttributeType, Declaration, ScalarType},
};

/// What the request itself tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum BuiltIn {
    /// The principal as a whole.
    Principal,
    PrincipalId,
    ServiceId,
    DeviceId,
    PrincipalKind,
    PrincipalRealm,
    AssertedRoles,
    ActionName,
    ResourceKind,
    ResourceId,
    ResourceTenant,
    Time,
    Address,
    AuthenticationTime,
    AuthenticationAge,
    Assurance,
    Methods,
    Impersonated,
}

pub(crate) struct Found {
    pub(crate) declared: Declaration,
    /// `None` if the application supplies it with its attributes.
    pub(crate) built_in: Option<BuiltIn>,
}

const fn required(scalar: ScalarType) -> Declaration {
    Declaration::required(AttributeType::Scalar(scalar))
}

const fn optional(scalar: ScalarType) -> Declaration {
    Declaration::optional(AttributeType::Scalar(scalar))
}

const TEXTS: Declaration = Declaration::required(AttributeType::Set(ScalarType::Text));

const TOLD: [(Root, &str, Declaration, BuiltIn); 17] = [
    (Root::Principal, "id", optional(ScalarType::Text), BuiltIn::PrincipalId),
    (Root::Principal, "service_id", optional(ScalarType::Text), BuiltIn::ServiceId),
    (Root::Principal, "device_id", optional(ScalarType::Text), BuiltIn::DeviceId),
    (Root::Principal, "kind", required(ScalarType::Text), BuiltIn::PrincipalKind),
    (Root::Principal, "realm", required(ScalarType::Text), BuiltIn::PrincipalRealm),
    (Root::Principal, "asserted_roles", TEXTS, BuiltIn::AssertedRoles),
    (Root::Action, "name", required(ScalarType::Text), BuiltIn::ActionName),
    (Root::Resource, "kind", required(ScalarType::Text), BuiltIn::ResourceKind),
    (Root::Resource, "id", optional(ScalarType::Text), BuiltIn::ResourceId),
    (Root::Resource, "tenant", optional(ScalarType::Text), BuiltIn::ResourceTenant),
    (Root::Context, "time", required(ScalarType::Time), BuiltIn::Time),
    (Root::Context, "ip", optional(ScalarType::Address), BuiltIn::Address),
    (Root::Context, "auth.time", required(ScalarType::Time), BuiltIn::AuthenticationTime),
    (Root::Context, "auth.age", required(ScalarType::Duration), BuiltIn::AuthenticationAge),
    (Root::Context, "auth.assurance", required(ScalarType::Integer), BuiltIn::Assurance),
    (Root::Context, "auth.methods", TEXTS, BuiltIn::Methods),
    (Root::Context, "auth.impersonated", required(ScalarType::Bool), BuiltIn::Impersonated),
];

/// Attributes of the circumstances that only the application can know, under the names that everybody uses.
pub(crate) const SUPPLIED: &[(&str, Declaration)] = &[
    ("device.id", optional(ScalarType::Text)),
    ("device.platform", optional(ScalarType::Text)),
    ("device.managed", optional(ScalarType::Bool)),
    ("device.compliant", optional(ScalarType::Bool)),
    ("location.country", optional(ScalarType::Text)),
    ("location.region", optional(ScalarType::Text)),
];

pub(crate) fn find(root: Root, name: &str) -> Option<Found> {
    let told = TOLD.iter().find(|(of, known, ..)| *of == root && *known == name);
    if let Some((.., declared, built_in)) = told {
        return Some(Found { declared: *declared, built_in: Some(*built_in) });
    }
    let (_, declared) = SUPPLIED.iter().find(|(known, _)| root == Root::Context && *known == name)?;
    Some(Found { declared: *declared, built_in: None })
}

/// All names below a root, to suggest one.
pub(crate) fn names(root: Root) -> impl Iterator<Item = &'static str> {
    let told = TOLD.iter().filter(move |(of, ..)| *of == root).map(|(_, name, ..)| *name);
    told.chain(SUPPLIED.iter().filter(move |_| root == Root::Context).map(|(name, _)| *name))
}

/// What it is called in a condition.
pub(crate) fn path(built_in: BuiltIn) -> String {
    let found = TOLD.iter().find(|(.., known)| *known == built_in);
    found.map_or_else(
        || Root::Principal.as_str().to_owned(),
        |(root, name, ..)| format!("{}.{name}", root.as_str()),
    )
}

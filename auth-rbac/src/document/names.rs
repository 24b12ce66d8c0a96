//! How a document writes what is named in several parts: as a text where the other parts are the usual ones, and
//! as a table otherwise. A text is never taken apart, so no separator in a name can move a border.

use std::{fmt, marker::PhantomData};

use auth_core::{GroupName, PrincipalId, PrincipalKind, Realm, Resource, ResourceKind, RoleName};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, value::MapAccessDeserializer},
};

use crate::{acl::GroupId, role_ref::RoleKey};

/// A text for the usual case, a table for every case.
pub(crate) trait Short: Sized {
    /// The table.
    type Parts: Serialize + for<'de> Deserialize<'de>;
    const EXPECTED: &'static str;

    /// `None` if a text is never enough.
    fn from_text(text: &str) -> Option<Result<Self, auth_core::NameError>>;
    fn from_parts(parts: Self::Parts) -> Result<Self, auth_core::NameError>;
    /// The text, if it says everything.
    fn text(&self) -> Option<&str>;
    fn parts(&self) -> Self::Parts;
}

/// For `#[serde(with)]` of one.
pub(crate) mod one {
    use super::{Deserialize, Deserializer, Read, Serialize, Serializer, Short, Written};

    pub(crate) fn deserialize<'de, T: Short, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
        Read::deserialize(deserializer).map(|Read(value)| value)
    }

    pub(crate) fn serialize<T: Short, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
        Written(value).serialize(serializer)
    }
}

/// For `#[serde(with)]` of one that may be missing.
pub(crate) mod option {
    use super::{Deserialize, Deserializer, Read, Serialize, Serializer, Short, Written};

    pub(crate) fn deserialize<'de, T: Short, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<T>, D::Error> {
        Ok(Option::<Read<T>>::deserialize(deserializer)?.map(|Read(value)| value))
    }

    pub(crate) fn serialize<T: Short, S: Serializer>(
        value: &Option<T>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        value.as_ref().map(Written).serialize(serializer)
    }
}

/// For `#[serde(with)]` of a list.
pub(crate) mod list {
    use super::{Deserialize, Deserializer, Read, Serializer, Short, Written};

    pub(crate) fn deserialize<'de, T: Short, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<T>, D::Error> {
        Ok(Vec::<Read<T>>::deserialize(deserializer)?.into_iter().map(|Read(value)| value).collect())
    }

    pub(crate) fn serialize<T: Short, S: Serializer>(values: &[T], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(values.iter().map(Written))
    }
}

struct Read<T>(T);

struct Written<'a, T>(&'a T);

impl<'de, T: Short> Deserialize<'de> for Read<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextOrTable<T>(PhantomData<T>);

        impl<'de, T: Short> de::Visitor<'de> for TextOrTable<T> {
            type Value = T;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(T::EXPECTED)
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
                match T::from_text(text) {
                    Some(value) => value.map_err(E::custom),
                    None => Err(E::invalid_type(de::Unexpected::Str(text), &self)),
                }
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
                let parts = T::Parts::deserialize(MapAccessDeserializer::new(map))?;
                T::from_parts(parts).map_err(de::Error::custom)
            }
        }

        deserializer.deserialize_any(TextOrTable(PhantomData)).map(Self)
    }
}

impl<T: Short> Serialize for Written<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.text() {
            Some(text) => serializer.serialize_str(text),
            None => self.0.parts().serialize(serializer),
        }
    }
}

/// A user of [`Realm::LOCAL`] is a text.
impl Short for PrincipalId {
    type Parts = PrincipalParts;
    const EXPECTED: &'static str = "the id of a local user, or a table of id, kind and realm";

    fn from_text(text: &str) -> Option<Result<Self, auth_core::NameError>> {
        Some(Self::local_user(text))
    }

    fn from_parts(parts: PrincipalParts) -> Result<Self, auth_core::NameError> {
        Self::new(parts.realm, parts.kind, &parts.id)
    }

    fn text(&self) -> Option<&str> {
        (*self.realm() == Realm::LOCAL && self.kind() == PrincipalKind::User).then(|| self.id())
    }

    fn parts(&self) -> PrincipalParts {
        PrincipalParts { realm: self.realm().clone(), kind: self.kind(), id: self.id().to_owned() }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PrincipalParts {
    #[serde(default = "local", skip_serializing_if = "is_local")]
    realm: Realm,
    #[serde(default = "user")]
    kind: PrincipalKind,
    id: String,
}

/// A group of [`Realm::LOCAL`] is a text.
impl Short for GroupId {
    type Parts = GroupParts;
    const EXPECTED: &'static str = "the name of a local group, or a table of name and realm";

    fn from_text(text: &str) -> Option<Result<Self, auth_core::NameError>> {
        Some(Self::local(text))
    }

    fn from_parts(GroupParts { realm, name }: GroupParts) -> Result<Self, auth_core::NameError> {
        Ok(Self::new(realm, name))
    }

    fn text(&self) -> Option<&str> {
        (*self.realm() == Realm::LOCAL).then(|| self.name().as_str())
    }

    fn parts(&self) -> GroupParts {
        GroupParts { realm: self.realm().clone(), name: self.name().clone() }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GroupParts {
    realm: Realm,
    name: GroupName,
}

/// A role of the policy is a text.
impl Short for RoleKey {
    type Parts = RoleParts;
    const EXPECTED: &'static str = "the name of a role, or a table of name and tenant";

    fn from_text(text: &str) -> Option<Result<Self, auth_core::NameError>> {
        Some(RoleName::parse(text).map(Self::from))
    }

    fn from_parts(RoleParts { tenant, name }: RoleParts) -> Result<Self, auth_core::NameError> {
        Ok(Self { tenant, name })
    }

    fn text(&self) -> Option<&str> {
        self.tenant.is_none().then(|| self.name.as_str())
    }

    fn parts(&self) -> RoleParts {
        RoleParts { tenant: self.tenant.clone(), name: self.name.clone() }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RoleParts {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tenant: Option<Realm>,
    name: RoleName,
}

/// Always a table: a kind is never left out. Without an id it is any of the kind.
impl Short for Resource {
    type Parts = ResourceParts;
    const EXPECTED: &'static str = "a table of kind, id and tenant";

    fn from_text(_: &str) -> Option<Result<Self, auth_core::NameError>> {
        None
    }

    fn from_parts(ResourceParts { kind, id, tenant }: ResourceParts) -> Result<Self, auth_core::NameError> {
        let resource = match id {
            Some(id) => Self::one(kind, &id)?,
            None => Self::any(kind),
        };
        Ok(match tenant {
            Some(tenant) => resource.of_tenant(tenant),
            None => resource,
        })
    }

    fn text(&self) -> Option<&str> {
        None
    }

    fn parts(&self) -> ResourceParts {
        ResourceParts {
            kind: self.kind().clone(),
            id: self.id().map(str::to_owned),
            tenant: self.tenant().cloned(),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResourceParts {
    kind: ResourceKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tenant: Option<Realm>,
}

fn local() -> Realm {
    Realm::LOCAL
}

fn is_local(realm: &Realm) -> bool {
    *realm == Realm::LOCAL
}

fn user() -> PrincipalKind {
    PrincipalKind::User
}

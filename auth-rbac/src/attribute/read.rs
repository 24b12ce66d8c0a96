//! Plain values, as JSON has them, read as what the schema says they are.

use std::{fmt, net::IpAddr, time::Duration};

use auth_core::{PrincipalId, UnixTime};
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::{
    AttributeName,
    kind::{AttributeType, Declaration, ScalarType},
    map::AttributeMap,
    value::Value,
};
use crate::{condition::literal, schema::Attributes};

/// Reads a value of this type from its plain form: a boolean, a whole number, or text; a set from a list of them.
/// Decimals, moments (`2026-01-31T09:00:00Z`, or seconds since 1970), lengths of time (`10m`, or seconds), addresses and
/// networks are written as text. A principal is what [`PrincipalId`] is in serde.
///
/// Nothing is converted: a number is not text, `"true"` is not true, and a number with a fraction is refused.
impl<'de> DeserializeSeed<'de> for AttributeType {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        match self {
            Self::Scalar(scalar) => scalar.deserialize(deserializer),
            Self::Set(of) => deserializer.deserialize_seq(SetVisitor(of)),
        }
    }
}

impl<'de> DeserializeSeed<'de> for ScalarType {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        match self {
            Self::Bool => deserializer.deserialize_bool(ScalarVisitor(self)),
            Self::Integer => deserializer.deserialize_i64(ScalarVisitor(self)),
            Self::Principal => PrincipalId::deserialize(deserializer).map(Value::Principal),
            Self::Time | Self::Duration => deserializer.deserialize_any(ScalarVisitor(self)),
            _ => deserializer.deserialize_str(ScalarVisitor(self)),
        }
    }
}

struct ScalarVisitor(ScalarType);

impl Visitor<'_> for ScalarVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a value of type {}", self.0)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        if self.0 == ScalarType::Bool { Ok(Value::Bool(value)) } else { Err(self.other("a boolean")) }
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        let seconds = || u64::try_from(value).map_err(|_| E::custom("a negative number of seconds"));
        match self.0 {
            ScalarType::Integer => Ok(Value::Integer(value)),
            ScalarType::Time => Ok(Value::Time(UnixTime::from_secs(seconds()?))),
            ScalarType::Duration => Ok(Value::Duration(Duration::from_secs(seconds()?))),
            _ => Err(self.other("a number")),
        }
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        match self.0 {
            ScalarType::Time => Ok(Value::Time(UnixTime::from_secs(value))),
            _ => self.visit_i64(i64::try_from(value).map_err(|_| E::custom("a number beyond 64 bits"))?),
        }
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        if text.len() > Value::MAX_TEXT_LEN {
            return Err(E::custom("a text that is too long"));
        }
        let value = match self.0 {
            ScalarType::Text => Some(Value::Text(text.to_owned())),
            ScalarType::Decimal => text.parse().ok().map(Value::Decimal),
            ScalarType::Time => literal::time(text).map(Value::Time),
            ScalarType::Duration => literal::duration(text).map(Value::Duration),
            ScalarType::Address => text.parse::<IpAddr>().ok().map(Value::Address),
            ScalarType::Network => text.parse().ok().map(Value::Network),
            _ => None,
        };
        value.ok_or_else(|| self.other("this text"))
    }
}

impl ScalarVisitor {
    fn other<E: Error>(&self, what: &str) -> E {
        E::custom(format_args!("{what} is not a value of type {}", self.0))
    }
}

struct SetVisitor(ScalarType);

impl<'de> Visitor<'de> for SetVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list of values of type {}", self.0)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = list.next_element_seed(self.0)? {
            if values.len() >= Value::MAX_ELEMENTS {
                return Err(A::Error::custom("a set with too many elements"));
            }
            values.push(value);
        }
        Value::set(values).or_else(|| self.0.no_elements()).ok_or_else(|| A::Error::custom("not a set"))
    }
}

impl ScalarType {
    /// The empty set of this type.
    pub(crate) fn no_elements(self) -> Option<Value> {
        Some(match self {
            Self::Bool => return None,
            Self::Integer => Value::Integers(Vec::new()),
            Self::Decimal => Value::Decimals(Vec::new()),
            Self::Text => Value::Texts(Vec::new()),
            Self::Time => Value::Times(Vec::new()),
            Self::Duration => Value::Durations(Vec::new()),
            Self::Address => Value::Addresses(Vec::new()),
            Self::Network => Value::Networks(Vec::new()),
            Self::Principal => Value::Principals(Vec::new()),
        })
    }
}

/// Reads a map of attributes that a schema declares.
pub(crate) struct MapSeed<'s>(pub(crate) &'s Attributes, pub(crate) &'static [(&'static str, Declaration)]);

impl<'de> DeserializeSeed<'de> for MapSeed<'_> {
    type Value = AttributeMap;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<AttributeMap, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for MapSeed<'_> {
    type Value = AttributeMap;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of attributes")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<AttributeMap, A::Error> {
        let mut attributes = AttributeMap::new();
        while let Some(name) = map.next_key::<AttributeName>()? {
            let declared = self.0.get(&name).copied().or_else(|| {
                self.1.iter().find(|(standard, _)| *standard == name.as_str()).map(|(_, declared)| *declared)
            });
            let Some(declared) = declared else {
                return Err(A::Error::custom(format_args!("the schema does not declare {name}")));
            };
            if attributes.value(name.as_str()).is_some() {
                return Err(A::Error::custom(format_args!("{name} is there twice")));
            }
            let value = map.next_value_seed(declared.attribute_type())?;
            attributes.insert(name, value);
        }
        for (name, declared) in self.0 {
            if !declared.is_optional() && attributes.value(name.as_str()).is_none() {
                return Err(A::Error::custom(format_args!("{name} is missing, and the schema requires it")));
            }
        }
        Ok(attributes)
    }
}

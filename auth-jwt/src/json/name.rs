//! The names of members, as `serde` asks for them.

use serde::{Deserializer, de::Visitor, forward_to_deserialize_any};

use super::{
    JsonStr,
    de::{Fault, visit_string},
    number, variant,
};
use crate::own_claims::Problem;

/// A member's name.
///
/// Maps with integers or booleans as keys find them in names, written as strings; only in the one canonical
/// spelling, or two names could become one key.
pub(crate) struct Name<'de>(pub(crate) JsonStr<'de>);

/// Why a name was not taken. One byte, so that the number of a field and this come back in a register: read from
/// memory, they cost a tenth of a whole verification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NameFault {
    /// It is not of the type that it was asked for as.
    #[error("a name has another type")]
    WrongType,
    /// The type denies members that it does not know.
    #[error("a name is unknown")]
    Unknown,
    /// The type's own code refused it.
    #[error("a name is refused")]
    Refused,
}

impl serde::de::Error for NameFault {
    fn custom<T: std::fmt::Display>(_message: T) -> Self {
        Self::Refused
    }

    fn invalid_type(_found: serde::de::Unexpected<'_>, _expected: &dyn serde::de::Expected) -> Self {
        Self::WrongType
    }

    fn unknown_field(_field: &str, _expected: &'static [&'static str]) -> Self {
        Self::Unknown
    }
}

impl From<NameFault> for Fault {
    fn from(fault: NameFault) -> Self {
        Self::Own(match fault {
            NameFault::WrongType => Problem::WrongType,
            NameFault::Unknown => Problem::Unknown,
            NameFault::Refused => Problem::Refused,
        })
    }
}

macro_rules! parsed_keys {
    ($($method:ident => $visit:ident,)*) => {
        $(
            fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NameFault> {
                let integer = self.0.plain().filter(|text| number::is_canonical_integer(text));
                match integer.and_then(|text| text.parse().ok()) {
                    Some(value) => visitor.$visit(value),
                    None => visit_string(self.0, visitor),
                }
            }
        )*
    };
}

impl<'de> Deserializer<'de> for Name<'de> {
    type Error = NameFault;

    #[inline]
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NameFault> {
        visit_string(self.0, visitor)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NameFault> {
        match self.0.plain() {
            Some("true") => visitor.visit_bool(true),
            Some("false") => visitor.visit_bool(false),
            _ => visit_string(self.0, visitor),
        }
    }

    parsed_keys! {
        deserialize_i8 => visit_i8,
        deserialize_i16 => visit_i16,
        deserialize_i32 => visit_i32,
        deserialize_i64 => visit_i64,
        deserialize_i128 => visit_i128,
        deserialize_u8 => visit_u8,
        deserialize_u16 => visit_u16,
        deserialize_u32 => visit_u32,
        deserialize_u64 => visit_u64,
        deserialize_u128 => visit_u128,
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NameFault> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, NameFault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, NameFault> {
        visitor.visit_enum(variant::Unit::new(self.0))
    }

    forward_to_deserialize_any! {
        f32 f64 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct
        identifier ignored_any
    }
}

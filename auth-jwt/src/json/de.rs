//! The reader as a `serde` data format, so that claims go straight into the user's type.

use serde::{
    Deserializer,
    de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor},
    forward_to_deserialize_any,
};

use super::{JsonError, JsonKind, JsonStr, Members, Number, Reader, name::Name, variant};
use crate::{own_claims::Problem, registered::WrongType};

/// Why a value could not be made. Small and without an allocation: it may be thrown away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    /// The text is not strict JSON.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// A registered claim has a value of the wrong type.
    #[error(transparent)]
    Registered(#[from] WrongType),
    /// The text does not fit the user's type.
    #[error("own claims do not fit")]
    Own(Problem),
}

/// Messages of `serde` may quote values, so only their kind is kept.
impl serde::de::Error for Fault {
    fn custom<T: std::fmt::Display>(_message: T) -> Self {
        Self::Own(Problem::Refused)
    }

    fn invalid_type(_found: serde::de::Unexpected<'_>, _expected: &dyn serde::de::Expected) -> Self {
        Self::Own(Problem::WrongType)
    }

    fn unknown_field(_field: &str, _expected: &'static [&'static str]) -> Self {
        Self::Own(Problem::Unknown)
    }

    fn missing_field(field: &'static str) -> Self {
        Self::Own(Problem::Missing { member: field })
    }
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.kind()? {
            JsonKind::Null => {
                self.null()?;
                visitor.visit_unit()
            }
            JsonKind::Bool => visitor.visit_bool(self.bool()?),
            JsonKind::String => visit_string(self.string()?, visitor),
            JsonKind::Number => visit_number(self.number()?, visitor),
            JsonKind::Array => {
                self.open_array()?;
                let mut elements = Elements { reader: self, first: true, done: false };
                let value = visitor.visit_seq(&mut elements)?;
                elements.finish()?;
                Ok(value)
            }
            JsonKind::Object => {
                self.open_object()?;
                let mut entries = Entries { reader: self, seen: Members::default(), done: false };
                let value = visitor.visit_map(&mut entries)?;
                entries.finish()?;
                Ok(value)
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if self.kind()? == JsonKind::Null {
            self.null()?;
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        variant::visit_enum(self, visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.skip()?;
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct identifier
    }
}

/// Reads a value with `seed`, and makes sure that all of it was read: also where the type gave up, for the
/// code around it may go on.
#[inline]
pub(crate) fn value<'de, S: DeserializeSeed<'de>>(
    reader: &mut Reader<'de>,
    seed: S,
) -> Result<S::Value, Fault> {
    let mark = reader.mark();
    let value = seed.deserialize(&mut *reader);
    if let Ok(_) | Err(Fault::Own(_)) = value {
        reader.settle(mark)?;
    }
    value
}

#[inline(always)]
pub(super) fn visit_string<'de, V: Visitor<'de>, E: Error>(
    string: JsonStr<'de>,
    visitor: V,
) -> Result<V::Value, E> {
    match string.plain() {
        Some(text) => visitor.visit_borrowed_str(text),
        None => visit_escaped(string, visitor),
    }
}

#[cold]
fn visit_escaped<'de, V: Visitor<'de>, E: Error>(string: JsonStr<'de>, visitor: V) -> Result<V::Value, E> {
    visitor.visit_string(string.text().into_owned())
}

/// Integers stay integers, however long; what would be rounded to a float is refused instead.
#[inline(always)]
fn visit_number<'de, V: Visitor<'de>>(number: Number<'de>, visitor: V) -> Result<V::Value, Fault> {
    match number.small() {
        Some(integer) => visitor.visit_u64(integer),
        None => visit_any_number(number, visitor),
    }
}

#[cold]
fn visit_any_number<'de, V: Visitor<'de>>(number: Number<'de>, visitor: V) -> Result<V::Value, Fault> {
    let raw = number.raw();
    if number.is_integer() && raw != "-0" {
        if let Ok(integer) = raw.parse() {
            return visitor.visit_u64(integer);
        }
        if let Ok(integer) = raw.parse() {
            return visitor.visit_i64(integer);
        }
        if let Ok(integer) = raw.parse() {
            return visitor.visit_u128(integer);
        }
        return match raw.parse() {
            Ok(integer) => visitor.visit_i128(integer),
            Err(_) => Err(Fault::Own(Problem::Refused)),
        };
    }
    match raw.parse::<f64>() {
        Ok(float) if float.is_finite() => visitor.visit_f64(float),
        _ => Err(Fault::Own(Problem::Refused)),
    }
}

/// The elements of an array.
struct Elements<'r, 'de> {
    reader: &'r mut Reader<'de>,
    first: bool,
    done: bool,
}

impl Elements<'_, '_> {
    /// A visitor that leaves elements over wanted a shorter array.
    fn finish(&mut self) -> Result<(), Fault> {
        if self.done || !self.reader.next_element(&mut self.first)? {
            Ok(())
        } else {
            Err(Fault::Own(Problem::WrongType))
        }
    }
}

impl<'de> SeqAccess<'de> for &mut Elements<'_, 'de> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Fault> {
        if self.done {
            return Ok(None);
        }
        if self.reader.next_element(&mut self.first)? {
            value(self.reader, seed).map(Some)
        } else {
            self.done = true;
            Ok(None)
        }
    }
}

/// The members of an object.
struct Entries<'r, 'de> {
    reader: &'r mut Reader<'de>,
    seen: Members<'de>,
    done: bool,
}

impl Entries<'_, '_> {
    fn finish(&mut self) -> Result<(), Fault> {
        if self.done || self.reader.next_name(&mut self.seen)?.is_none() {
            Ok(())
        } else {
            Err(Fault::Own(Problem::WrongType))
        }
    }
}

impl<'de> MapAccess<'de> for &mut Entries<'_, 'de> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        if self.done {
            return Ok(None);
        }
        match self.reader.next_name(&mut self.seen)? {
            Some(name) => Ok(Some(seed.deserialize(Name(name))?)),
            None => {
                self.done = true;
                Ok(None)
            }
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        value(self.reader, seed)
    }
}

/// A value that was read before: a string or a number.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Scalar<'de> {
    String(JsonStr<'de>),
    Number(Number<'de>),
}

impl<'de> Deserializer<'de> for &Scalar<'de> {
    type Error = Fault;

    #[inline]
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self {
            Scalar::String(string) => visit_string(*string, visitor),
            Scalar::Number(number) => visit_number(*number, visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match self {
            Scalar::String(string) => visitor.visit_enum(variant::Unit::new(*string)),
            Scalar::Number(_) => Err(wrong_type()),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

/// The fault of a value that is there but of another kind.
pub(super) fn wrong_type<E: Error>() -> E {
    E::invalid_type(serde::de::Unexpected::Unit, &"another kind of value")
}

//! Enums as `serde` writes them: a string, or an object with one member.

use std::marker::PhantomData;

use serde::{
    Deserializer,
    de::{
        DeserializeSeed, EnumAccess, Error, IntoDeserializer, VariantAccess, Visitor,
        value::{BorrowedStrDeserializer, StringDeserializer},
    },
};

use super::{
    JsonKind, JsonStr, Members, Reader,
    de::{self, Fault},
};

/// Reads an enum.
pub(super) fn visit_enum<'de, V: Visitor<'de>>(
    reader: &mut Reader<'de>,
    visitor: V,
) -> Result<V::Value, Fault> {
    match reader.kind()? {
        JsonKind::String => visitor.visit_enum(Unit::new(reader.string()?)),
        JsonKind::Object => {
            reader.open_object()?;
            let mut seen = Members::default();
            let Some(name) = reader.next_name(&mut seen)? else { return Err(de::wrong_type()) };
            let value = visitor.visit_enum(WithContent { name, reader: &mut *reader })?;
            match reader.next_name(&mut seen)? {
                None => Ok(value),
                Some(_) => Err(de::wrong_type()),
            }
        }
        _ => Err(de::wrong_type()),
    }
}

fn variant<'de, S: DeserializeSeed<'de>, E: Error>(name: JsonStr<'de>, seed: S) -> Result<S::Value, E> {
    match name.plain() {
        Some(text) => seed.deserialize(BorrowedStrDeserializer::new(text)),
        None => {
            let text: StringDeserializer<E> = name.text().into_owned().into_deserializer();
            seed.deserialize(text)
        }
    }
}

/// A variant that is written as a string.
pub(super) struct Unit<'de, E> {
    name: JsonStr<'de>,
    error: PhantomData<E>,
}

impl<'de, E> Unit<'de, E> {
    pub(super) fn new(name: JsonStr<'de>) -> Self {
        Self { name, error: PhantomData }
    }
}

impl<'de, E: Error> EnumAccess<'de> for Unit<'de, E> {
    type Error = E;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), E> {
        Ok((variant(self.name, seed)?, self))
    }
}

impl<'de, E: Error> VariantAccess<'de> for Unit<'de, E> {
    type Error = E;

    fn unit_variant(self) -> Result<(), E> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, _seed: T) -> Result<T::Value, E> {
        Err(de::wrong_type())
    }

    fn tuple_variant<V: Visitor<'de>>(self, _len: usize, _visitor: V) -> Result<V::Value, E> {
        Err(de::wrong_type())
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        _visitor: V,
    ) -> Result<V::Value, E> {
        Err(de::wrong_type())
    }
}

/// A variant that is written as the one member of an object.
struct WithContent<'r, 'de> {
    name: JsonStr<'de>,
    reader: &'r mut Reader<'de>,
}

impl<'de> EnumAccess<'de> for WithContent<'_, 'de> {
    type Error = Fault;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Fault> {
        Ok((variant::<_, Fault>(self.name, seed)?, self))
    }
}

impl<'de> VariantAccess<'de> for WithContent<'_, 'de> {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        match self.reader.kind()? {
            JsonKind::Null => Ok(self.reader.null()?),
            _ => Err(de::wrong_type()),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Fault> {
        de::value(self.reader, seed)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _len: usize, visitor: V) -> Result<V::Value, Fault> {
        match self.reader.kind()? {
            JsonKind::Array => self.reader.deserialize_any(visitor),
            _ => Err(de::wrong_type()),
        }
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match self.reader.kind()? {
            JsonKind::Object => self.reader.deserialize_any(visitor),
            _ => Err(de::wrong_type()),
        }
    }
}

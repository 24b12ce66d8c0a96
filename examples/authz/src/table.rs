//! Tables in which no key comes twice. Of two values, one program takes the first and another one the last, and so they do
//! not mean the same request (RFC 8259, section 4).

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{self, DeserializeOwned},
};
use serde_json::Value as Json;

/// A table in which no key comes twice, and neither in the tables inside it.
#[derive(Default)]
pub(crate) struct Table(pub(crate) BTreeMap<String, Json>);

impl Table {
    pub(crate) fn take_raw(&mut self, key: &str) -> Option<Json> {
        self.0.remove(key)
    }

    pub(crate) fn take<T: DeserializeOwned>(&mut self, key: &str) -> Result<Option<T>, String> {
        let read = |value| serde_json::from_value(value).map_err(|error| format!("{key}: {error}"));
        self.take_raw(key).map(read).transpose()
    }
}

impl<'de> Deserialize<'de> for Table {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Table;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table")
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Table, A::Error> {
                entries(map).map(Table)
            }
        }

        deserializer.deserialize_map(Visitor)
    }
}

fn entries<'de, A: de::MapAccess<'de>>(mut map: A) -> Result<BTreeMap<String, Json>, A::Error> {
    let mut entries = BTreeMap::new();
    while let Some((key, Strict(value))) = map.next_entry::<String, Strict>()? {
        if entries.contains_key(&key) {
            return Err(de::Error::custom(format_args!("{key} is there twice")));
        }
        entries.insert(key, value);
    }
    Ok(entries)
}

/// A value, and in all tables of it no key comes twice.
struct Strict(Json);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Self)
    }
}

struct StrictVisitor;

impl<'de> de::Visitor<'de> for StrictVisitor {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Json, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Json, A::Error> {
        let mut values = Vec::new();
        while let Some(Strict(value)) = list.next_element()? {
            values.push(value);
        }
        Ok(Json::Array(values))
    }

    fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Json, A::Error> {
        entries(map).map(|entries| Json::Object(entries.into_iter().collect()))
    }
}

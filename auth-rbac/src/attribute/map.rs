//! Attributes in a map.

use std::{collections::BTreeMap, fmt};

use auth_core::{AttributeValue, Attributes};

use super::{AttributeName, value::Value};

/// Attributes with their values, such as those that [`Schema`](crate::Schema)'s readers read. Whoever has a type for
/// its resources implements [`Attributes`] for that instead, and copies nothing.
///
/// ```
/// use auth_rbac::{AttributeMap, AttributeName};
///
/// let invoice = AttributeMap::new()
///     .with(AttributeName::parse("owner")?, "ann")
///     .with(AttributeName::parse("amount")?, 250_i64);
/// # Ok::<(), auth_rbac::AttributeNameError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Default)]
pub struct AttributeMap(BTreeMap<AttributeName, Value>);

impl AttributeMap {
    /// No attributes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with an attribute, in place of what had its name.
    #[must_use]
    pub fn with(mut self, name: AttributeName, value: impl Into<Value>) -> Self {
        self.insert(name, value);
        self
    }

    /// Adds an attribute, in place of what had its name.
    pub fn insert(&mut self, name: AttributeName, value: impl Into<Value>) {
        self.0.insert(name, value.into());
    }

    /// The attributes, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&AttributeName, &Value)> {
        self.0.iter()
    }

    /// The value of an attribute.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }
}

impl Attributes for AttributeMap {
    fn attribute(&self, name: &str) -> Option<AttributeValue<'_>> {
        self.0.get(name).map(Value::lend)
    }
}

/// Names only.
impl fmt::Debug for AttributeMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys().map(AttributeName::as_str)).finish()
    }
}

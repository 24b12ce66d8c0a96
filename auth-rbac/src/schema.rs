//! Which attributes there are.

use std::collections::BTreeMap;

use auth_core::{Action, NameError, Realm, ResourceKind};
use serde::{Deserialize, Serialize, Serializer, de::DeserializeSeed};

use crate::{
    abac::operand::Operand,
    attribute::{
        AttributeName, AttributeNameError, AttributePath,
        kind::{AttributeType, AttributeTypeError, Declaration, ScalarType},
        map::AttributeMap,
        read::MapSeed,
        value::Value,
    },
};

pub(crate) mod builtin;
pub(crate) mod resolve;
mod unique;

/// Attributes of one thing, by name.
pub(crate) type Attributes = BTreeMap<AttributeName, Declaration>;

/// Which attributes principals, resources, actions and circumstances have. A condition that names another one, or
/// compares one with a value of another type, is refused when it is compiled.
///
/// Built in are:
///
/// | attribute | type | |
/// |---|---|---|
/// | `principal` | principal | who asks, with realm and kind; compare it with attributes of type `principal` |
/// | `principal.id` | text? | the id of a *user* of the [home realm](Self::home); others have none, so a stranger or a service with the same id is nobody here |
/// | `principal.service_id`, `principal.device_id` | text? | the same for services and devices |
/// | `principal.kind`, `principal.realm` | text | `user`, `service`, `device`; `local:default` |
/// | `principal.asserted_roles` | set\<text\> | roles that the credential grants |
/// | `action.name` | text | |
/// | `resource.kind` | text | |
/// | `resource.id`, `resource.tenant` | text? | |
/// | `context.time` | time | when |
/// | `context.ip` | address? | from where |
/// | `context.auth.time`, `context.auth.age` | time, duration | when the login was, and how long that is ago; a step-up makes it no younger |
/// | `context.auth.assurance` | integer | 1 to 3, by NIST SP 800-63B-4 |
/// | `context.auth.methods` | set\<text\> | `amr`, by RFC 8176; and `bearer`, `basic` or `remembered`, which are no factors: ask which are in it, and not how many |
/// | `context.auth.impersonated` | bool | whether somebody else really acts |
/// | `context.device.id`, `.platform` | text? | what the application says of the device, with its context attributes |
/// | `context.device.managed`, `.compliant` | bool? | |
/// | `context.location.country`, `.region` | text? | what it says of the place |
///
/// Behind everything of type `time` stand `.year`, `.month`, `.day`, `.weekday` (1 is Monday), `.hour`, `.minute` and
/// `.time_of_day`, in UTC unless a zone is named: `context.time.zone("+02:00").hour`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(from = "Sections")]
pub struct Schema {
    sections: Sections,
    /// How many declarations there are, so that they need not be counted anew for each.
    count: usize,
    /// The type of each attribute that actions have. Where two have two, one is here, and `check` refuses the other.
    of_actions: BTreeMap<AttributeName, AttributeType>,
}

/// What a schema declares.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Sections {
    #[serde(skip_serializing_if = "Home::is_default")]
    home: Home,
    #[serde(skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "unique::map")]
    principal: Attributes,
    #[serde(skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "unique::maps")]
    resources: BTreeMap<ResourceKind, Attributes>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "unique::map")]
    context: Attributes,
    #[serde(skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "unique::maps")]
    actions: BTreeMap<Action, BTreeMap<AttributeName, Value>>,
}

impl Serialize for Schema {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.sections.serialize(serializer)
    }
}

impl From<Sections> for Schema {
    fn from(sections: Sections) -> Self {
        let mut of_actions = BTreeMap::new();
        for (name, value) in sections.actions.values().flatten() {
            of_actions.entry(name.clone()).or_insert_with(|| value.attribute_type());
        }
        Self { count: sections.count(), sections, of_actions }
    }
}

impl Sections {
    fn count(&self) -> usize {
        let attributes = self.resources.values().map(BTreeMap::len);
        let values = self.actions.values().map(BTreeMap::len);
        let all = [self.principal.len(), self.context.len(), self.resources.len(), self.actions.len()];
        all.into_iter().chain(attributes).chain(values).fold(0, usize::saturating_add)
    }
}

/// Whose ids `principal.id` is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Home {
    Realm(Realm),
    Any,
}

impl Default for Home {
    fn default() -> Self {
        Self::Realm(Realm::LOCAL)
    }
}

impl Home {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl Schema {
    /// The most attributes, kinds and actions, together.
    pub const MAX_DECLARATIONS: usize = 1 << 16;

    /// The attributes that are built in.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes `principal.id` the id of users of another realm than [`Realm::LOCAL`].
    pub fn home(&mut self, realm: Realm) -> &mut Self {
        self.sections.home = Home::Realm(realm);
        self
    }

    /// Makes `principal.id` the id of users of every realm. A condition that compares it must then compare
    /// `principal.realm` too, or a stranger with the id of one of yours is taken for them.
    pub fn any_home(&mut self) -> &mut Self {
        self.sections.home = Home::Any;
        self
    }

    /// Declares an attribute of principals. `declared` is its type, with `?` behind it if a request may be without:
    /// `text`, `set<text>?`.
    ///
    /// # Errors
    /// [`SchemaError`].
    pub fn principal(&mut self, name: &str, declared: &str) -> Result<&mut Self, SchemaError> {
        let (name, declared) = read(name, declared)?;
        add(&mut self.sections.principal, name, declared)?;
        self.counted(1)
    }

    /// Declares an attribute of the circumstances.
    ///
    /// # Errors
    /// [`SchemaError`].
    pub fn context(&mut self, name: &str, declared: &str) -> Result<&mut Self, SchemaError> {
        let (name, declared) = read(name, declared)?;
        add(&mut self.sections.context, name, declared)?;
        self.counted(1)
    }

    /// Declares a kind of resource.
    ///
    /// # Errors
    /// [`SchemaError`].
    pub fn kind(&mut self, kind: &str) -> Result<&mut Self, SchemaError> {
        let kinds = self.sections.resources.len();
        self.sections.resources.entry(ResourceKind::parse(kind)?).or_default();
        self.counted(self.sections.resources.len().saturating_sub(kinds))
    }

    /// Declares an attribute of the resources of one kind, and the kind.
    ///
    /// # Errors
    /// [`SchemaError`].
    pub fn resource(&mut self, kind: &str, name: &str, declared: &str) -> Result<&mut Self, SchemaError> {
        let (name, declared) = read(name, declared)?;
        self.kind(kind)?;
        add(self.sections.resources.entry(ResourceKind::parse(kind)?).or_default(), name, declared)?;
        self.counted(1)
    }

    /// Declares an action. A rule that names one that is not declared is refused.
    ///
    /// # Errors
    /// [`SchemaError`].
    pub fn action(&mut self, action: &str) -> Result<&mut Self, SchemaError> {
        let actions = self.sections.actions.len();
        self.sections.actions.entry(Action::parse(action)?).or_default();
        self.counted(self.sections.actions.len().saturating_sub(actions))
    }

    /// Gives an action an attribute, and declares it. Actions without that attribute have none of the name.
    ///
    /// # Errors
    /// [`SchemaError`].
    pub fn action_attribute(
        &mut self,
        action: &str,
        name: &str,
        value: impl Into<Value>,
    ) -> Result<&mut Self, SchemaError> {
        let (attribute, value) = (AttributeName::parse(name)?, value.into());
        self.action(action)?;
        let attributes = self.sections.actions.entry(Action::parse(action)?).or_default();
        if attributes.contains_key(&attribute) {
            return Err(SchemaError::Twice(name.into()));
        }
        self.of_actions.entry(attribute.clone()).or_insert_with(|| value.attribute_type());
        attributes.insert(attribute, value);
        self.counted(1)
    }

    /// The actions.
    pub fn actions(&self) -> impl Iterator<Item = &Action> {
        self.sections.actions.keys()
    }

    /// The kinds of resources.
    pub fn kinds(&self) -> impl Iterator<Item = &ResourceKind> {
        self.sections.resources.keys()
    }

    /// The type of an attribute, declared or built in, of an action, a principal, the circumstances, or a resource of
    /// this kind.
    #[must_use]
    pub fn type_of(&self, path: &AttributePath, kind: Option<&ResourceKind>) -> Option<AttributeType> {
        self.find(path.root(), path.name().as_str(), kind).map(|(_, found)| found)
    }

    /// Reads the attributes of a principal from a map of plain values, such as a JSON object:
    /// `{"departments": ["finance"]}`. Attributes that are not declared, of another type, or missing although they are
    /// required, are errors.
    #[must_use]
    pub fn read_principal<'s, 'de>(&'s self) -> impl DeserializeSeed<'de, Value = AttributeMap> + 's {
        MapSeed(&self.sections.principal, &[])
    }

    /// As [`read_principal`](Self::read_principal), for a resource of a kind.
    #[must_use]
    pub fn read_resource<'s, 'de>(
        &'s self,
        kind: &ResourceKind,
    ) -> impl DeserializeSeed<'de, Value = AttributeMap> + 's {
        static NONE: Attributes = Attributes::new();
        MapSeed(self.sections.resources.get(kind).unwrap_or(&NONE), &[])
    }

    /// As [`read_principal`](Self::read_principal), for the circumstances. Device and location are declared already:
    /// `{"device.managed": true}`.
    #[must_use]
    pub fn read_context<'s, 'de>(&'s self) -> impl DeserializeSeed<'de, Value = AttributeMap> + 's {
        MapSeed(&self.sections.context, builtin::SUPPLIED)
    }

    pub(crate) fn actions_with_attributes(
        &self,
    ) -> impl Iterator<Item = (&Action, &BTreeMap<AttributeName, Value>)> {
        self.sections.actions.iter()
    }

    pub(crate) const fn home_realm(&self) -> &Home {
        &self.sections.home
    }

    fn counted(&mut self, more: usize) -> Result<&mut Self, SchemaError> {
        self.count = self.count.saturating_add(more);
        self.check_size()?;
        Ok(self)
    }

    fn check_size(&self) -> Result<(), SchemaError> {
        if self.count > Self::MAX_DECLARATIONS { Err(SchemaError::TooMany) } else { Ok(()) }
    }

    /// Looks for what a schema that was read as a whole may have got wrong.
    pub(crate) fn check(&self) -> Result<(), SchemaError> {
        self.check_size()?;
        for (root, attributes) in self.sections() {
            for name in attributes.keys() {
                if builtin::find(root, name.as_str()).is_some() {
                    return Err(SchemaError::Twice(format!("{}.{name}", root.as_str()).into()));
                }
                self.check_part(root, attributes, name)?;
            }
        }
        for (name, value) in self.sections.actions.values().flatten() {
            if name.as_str() == "name" || self.of_actions.get(name) != Some(&value.attribute_type()) {
                return Err(SchemaError::Twice(format!("action.{name}").into()));
            }
            if !Operand::accepts(value) {
                return Err(SchemaError::Value(format!("action.{name}").into()));
            }
        }
        Ok(())
    }

    /// `expires.hour` must not be both an attribute and the hour of `expires`.
    fn check_part(
        &self,
        root: crate::attribute::Root,
        attributes: &Attributes,
        name: &AttributeName,
    ) -> Result<(), SchemaError> {
        let Some((whole, part)) = name.as_str().rsplit_once('.') else { return Ok(()) };
        let time = AttributeType::Scalar(ScalarType::Time);
        let declared = attributes.get(whole).map(Declaration::attribute_type);
        let built_in = builtin::find(root, whole).map(|found| found.declared.attribute_type());
        let is_time = declared == Some(time) || built_in == Some(time);
        if is_time && crate::condition::tree::Part::parse(part).is_some() {
            return Err(SchemaError::Twice(format!("{}.{name}", root.as_str()).into()));
        }
        Ok(())
    }

    fn sections(&self) -> impl Iterator<Item = (crate::attribute::Root, &Attributes)> {
        use crate::attribute::Root;
        let Sections { principal, context, resources, .. } = &self.sections;
        let own = [(Root::Principal, principal), (Root::Context, context)];
        own.into_iter().chain(resources.values().map(|attributes| (Root::Resource, attributes)))
    }
}

fn read(name: &str, declared: &str) -> Result<(AttributeName, Declaration), SchemaError> {
    Ok((AttributeName::parse(name)?, declared.parse()?))
}

fn add(attributes: &mut Attributes, name: AttributeName, declared: Declaration) -> Result<(), SchemaError> {
    if attributes.contains_key(&name) {
        return Err(SchemaError::Twice(name.as_str().into()));
    }
    attributes.insert(name, declared);
    Ok(())
}

/// Why a schema is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SchemaError {
    /// Not the name of an attribute.
    #[error(transparent)]
    Name(#[from] AttributeNameError),
    /// Not a type.
    #[error(transparent)]
    Type(#[from] AttributeTypeError),
    /// Not the name of a kind of resource or of an action.
    #[error("not a name of a kind or of an action")]
    Kind(#[from] NameError),
    /// The name is built in, is declared already, is a part of a time, or is of two types.
    #[error("{0} is declared twice")]
    Twice(Box<str>),
    /// The value that an action has for it is larger than any attribute may be, so that no condition could be evaluated.
    #[error("the value of {0} is too large")]
    Value(Box<str>),
    /// There are more than [`Schema::MAX_DECLARATIONS`].
    #[error("a schema has at most {} declarations", Schema::MAX_DECLARATIONS)]
    TooMany,
}

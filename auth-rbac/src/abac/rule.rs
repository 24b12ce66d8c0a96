//! Rules with conditions, before they are compiled.

use std::{borrow::Cow, fmt, time::Duration};

use auth_core::{Action, Assurance, Challenge, NameError, ResourceKind, RoleName};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use crate::condition::{Condition, literal, zone::Units};

/// A rule: whom it lets do what, or forbids it, under which condition.
///
/// Action, kind of resource and condition are all mandatory. What holds for all of them says so: `*`, `true`.
///
/// ```
/// use auth_rbac::{Actions, Condition, Kinds, Rule, RuleName};
/// use auth_core::{Action, ResourceKind};
///
/// let rule = Rule::permit(
///     RuleName::parse("owners-edit")?,
///     Actions::these([Action::from_static("documents.edit")]),
///     Kinds::One(ResourceKind::from_static("document")),
///     Condition::parse("resource.owner == principal.id")?,
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Rule {
    /// What it is called. No two rules of a policy have the same name.
    pub name: RuleName,
    /// Whether it allows or forbids.
    pub effect: RuleEffect,
    /// Which actions it is about.
    pub actions: Actions,
    /// Which kind of resource it is about.
    pub resource: Kinds,
    /// What must be true for it to apply.
    pub condition: Condition,
    /// What must be done for its permit to hold. A rule that forbids has none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub obligations: Vec<Action>,
    /// The authentication that might help where the rule does not allow, or forbids. It is offered only if the policy as a
    /// whole would then say something better.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub challenge: Option<Demand>,
}

impl Rule {
    /// A rule that allows.
    #[must_use]
    pub const fn permit(name: RuleName, actions: Actions, resource: Kinds, condition: Condition) -> Self {
        Self {
            name,
            effect: RuleEffect::Permit,
            actions,
            resource,
            condition,
            obligations: Vec::new(),
            challenge: None,
        }
    }

    /// A rule that forbids, whatever others allow. If its condition cannot be evaluated, it keeps them from allowing.
    #[must_use]
    pub fn deny(name: RuleName, actions: Actions, resource: Kinds, condition: Condition) -> Self {
        Self { effect: RuleEffect::Deny, ..Self::permit(name, actions, resource, condition) }
    }

    /// The same with something that must be done for its permit to hold.
    ///
    /// Where a rule has obligations, all rules that allow the same action on the same kind are evaluated, and not only
    /// those up to the first that applies, and a decision allocates. One for any action on any kind does that to all.
    #[must_use]
    pub fn with_obligation(mut self, obligation: Action) -> Self {
        self.obligations.push(obligation);
        self
    }

    /// The same with authentication that might help. Conditions then compare `context.auth.age` or
    /// `context.auth.assurance`: it is not known which `context.auth.methods` will have been used.
    #[must_use]
    pub const fn with_challenge(mut self, demand: Demand) -> Self {
        self.challenge = Some(demand);
        self
    }
}

/// Whether a rule allows or forbids. Written `permit` and `deny`, and in no other way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleEffect {
    /// It allows.
    Permit,
    /// It forbids.
    Deny,
}

/// What a rule is called: up to 128 bytes of ASCII letters, digits and `._-:/`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RuleName(RoleName);

impl RuleName {
    /// Reads a name.
    ///
    /// # Errors
    /// [`NameError`].
    pub fn parse(text: &str) -> Result<Self, NameError> {
        RoleName::parse(text).map(Self)
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Display for RuleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The actions that a rule is about. Written as a list, or `*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actions {
    /// All that the schema declares. A rule that forbids forbids all others too.
    Any,
    /// These.
    These(Vec<Action>),
}

impl Actions {
    /// These.
    pub fn these(actions: impl IntoIterator<Item = Action>) -> Self {
        Self::These(actions.into_iter().collect())
    }
}

impl Serialize for Actions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Any => serializer.serialize_str("*"),
            Self::These(actions) => actions.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Actions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "a list of actions, or `*`")]
        enum Form<'d> {
            Word(#[serde(borrow)] Cow<'d, str>),
            List(Vec<Action>),
        }
        match Form::deserialize(deserializer)? {
            Form::Word(word) if word == "*" => Ok(Self::Any),
            Form::Word(_) => Err(D::Error::custom("neither a list of actions nor `*`")),
            Form::List(actions) => Ok(Self::These(actions)),
        }
    }
}

/// The kind of resource that a rule is about. Written as its name, or `*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kinds {
    /// Every kind that the schema declares; the condition may look at no attribute that only some have. A rule that
    /// forbids forbids all others too.
    Any,
    /// This one.
    One(ResourceKind),
}

impl Serialize for Kinds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match self {
            Self::Any => "*",
            Self::One(kind) => kind.as_str(),
        })
    }
}

impl<'de> Deserialize<'de> for Kinds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <Cow<'de, str>>::deserialize(deserializer)?;
        if text == "*" {
            return Ok(Self::Any);
        }
        ResourceKind::parse(&text).map(Self::One).map_err(D::Error::custom)
    }
}

/// Authentication that a rule wants: a [`Challenge`] as a policy writes it, with an assurance (`aal2`), a greatest age
/// (`10m`), or both.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Demand {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    assurance: Option<Assurance>,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "age")]
    max_age: Option<Duration>,
}

impl Demand {
    /// An authentication within the last `max_age`, of which whole seconds count. It asks for a new login: a step-up
    /// raises the one that there is, and leaves it as old as it was
    /// (`a_challenge_for_a_young_login_takes_a_login_and_no_step_up`).
    #[must_use]
    pub const fn fresh_within(max_age: Duration) -> Self {
        Self { assurance: None, max_age: Some(Duration::from_secs(max_age.as_secs())) }
    }

    /// An authentication at least as sure as this.
    #[must_use]
    pub const fn at_least(assurance: Assurance) -> Self {
        Self { assurance: Some(assurance), max_age: None }
    }

    /// The same, and within the last `max_age`.
    #[must_use]
    pub const fn and_fresh_within(self, max_age: Duration) -> Self {
        Self { max_age: Some(Duration::from_secs(max_age.as_secs())), ..self }
    }

    /// The challenge that asks for it.
    #[must_use]
    pub const fn challenge(&self) -> Challenge {
        Challenge { assurance: self.assurance, max_age: self.max_age }
    }
}

mod age {
    use super::{Cow, Deserialize, Deserializer, Duration, Error, Serializer, Units, literal};

    #[expect(clippy::ref_option, reason = "serde hands out a reference to the field")]
    pub(super) fn serialize<S: Serializer>(age: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
        match age {
            Some(age) => serializer.collect_str(&Units(*age)),
            None => serializer.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        let text = <Cow<'de, str>>::deserialize(deserializer)?;
        literal::duration(&text).map(Some).ok_or_else(|| D::Error::custom("not a duration such as `10m`"))
    }
}

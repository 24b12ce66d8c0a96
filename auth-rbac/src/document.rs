//! Policies as data: the model that TOML, JSON and Rust share.
//!
//! ```
//! # #[cfg(feature = "toml")] {
//! use auth_rbac::document::PolicyDocument;
//!
//! let document = PolicyDocument::from_toml(r#"
//!     format = 1
//!     version = 7
//!     permissions = ["invoices.read", "invoices.pay"]
//!
//!     [[roles]]
//!     name = "clerk"
//!     allow = ["invoices.read"]
//!
//!     [[roles]]
//!     name = "cashier"
//!     inherits = ["clerk"]
//!     allow = ["invoices.pay"]
//!
//!     [[assignments]]
//!     principal = "ann"
//!     roles = ["cashier"]
//! "#)?;
//! let policy = document.compile()?;
//! assert_eq!(policy.version().get(), 7);
//! # }
//! # Ok::<(), auth_rbac::document::DocumentError>(())
//! ```
//!
//! What is not understood is refused: an unknown field, an effect that is neither `permit` nor `deny`, a name that is
//! none, a second table of one name.
//!
//! # All that a document may say
//!
//! One model, in TOML (feature `toml`), JSON (feature `json`) and Rust
//! ([`document::PolicyDocument`](crate::document::PolicyDocument)); what is written is read as the same again
//! (`a_document_survives_both_languages`).
//!
//! ```toml
//! format = 1                      # of the document
//! version = 7                     # of the policy: every change has a larger one
//! combining = "deny-overrides"    # or permit-overrides, first-applicable
//! permissions = ["invoices.read", "invoices.pay"]
//!
//! [[roles]]
//! name = "clerk"
//! allow = ["invoices.read"]
//!
//! [[roles]]
//! name = "cashier"
//! inherits = ["clerk"]
//! allow = ["invoices.*"]
//!
//! [[roles]]
//! name = "auditor"
//! deny = ["invoices.pay"]
//!
//! [[assignments]]
//! principal = "ann"               # a user of the local realm; or { realm = "..", kind = "service", id = ".." }
//! roles = ["cashier"]             # of the policy; or { tenant = "local:acme", name = ".." }
//!
//! [[direct]]
//! principal = "bob"
//! allow = ["invoices.read"]
//!
//! [[constraints]]
//! name = "four-eyes"
//! kind = "static"                 # or dynamic
//! roles = ["auditor", "cashier"]
//! limit = 2                       # that many together are too many
//!
//! [acl]
//! order = "deny-overrides"        # or first-match
//! permissions = ["folder.list", "doc.read"]
//!
//! [[acl.groups]]
//! name = "staff"                  # or { realm = "..", name = ".." }
//! members = ["ann"]
//! groups = []                     # groups inside it
//!
//! [[acl.resources]]
//! resource = { kind = "doc", id = "1" }           # and tenant; without an id, any of the kind
//! inside = { kind = "folder", id = "reports" }
//! owner = "bob"
//! entries = [
//!     { effect = "permit", to = { group = "staff" }, permissions = ["doc.read"] },
//!     { effect = "deny", to = "everyone", permissions = ["doc.read"] },
//! ]
//!
//! [[acl.resources]]
//! resource = { kind = "folder", id = "reports" }
//!
//! [schema.principal]              # the attributes that conditions may speak of
//! departments = "set<text>"
//!
//! [schema.actions]
//! "reports.read" = {}
//!
//! [schema.resources.report]
//! department = "text"
//!
//! [[rules]]
//! name = "own-department"
//! effect = "permit"
//! actions = ["reports.read"]
//! resource = "report"
//! condition = "resource.department in principal.departments && context.time.hour in 9..17"
//! ```
//!
//! | table | fields; those in *italics* may be missing |
//! |---|---|
//! | top | `format`, `version`, *`combining`*, *`permissions`* |
//! | `[[roles]]` | `name`, *`tenant`*, *`inherits`*, *`allow`*, *`deny`*: permissions, or wildcards |
//! | `[[assignments]]` | `principal`, `roles`, *`tenant`*: where they count |
//! | `[[direct]]` | `principal`, *`tenant`*, *`allow`*, *`deny`* |
//! | `[[constraints]]` | `name`, `kind`, `roles`, `limit`: how many together are too many |
//! | `[acl]` | *`order`*, *`permissions`*; *`permissions_on`*, *`owner_keeps`*: each `kind` and `permission` |
//! | `[[acl.groups]]` | `name`, *`members`*, *`groups`* |
//! | `[[acl.resources]]` | `resource`, *`inside`*, *`owner`*, *`breaks_inheritance`*, *`reapplies_below`*, *`entries`*: each `effect`, `to`, `permissions`; `to` is `"everyone"`, `"owner"`, `{ group = .. }` or `{ principal = .. }` |
//! | `[schema]` | *`home`*, *`principal`*, *`resources`*, *`context`*, *`actions`*: see [`Schema`] |
//! | `[[rules]]` | `name`, `effect`, `actions` and `resource`, each also `"*"`; `condition`, as text or as a tree; *`obligations`*, *`challenge`* |
//!
//! An effect is `permit` or `deny`. An unknown field, a mistyped effect, a name that is none and a key that comes
//! twice are errors with line and column; what does not fit together is an error that names the item, as the
//! builders' are.
//!
//! A [`PolicyReloader`](crate::PolicyReloader) compiles what has changed on a thread of its own and puts it in
//! force as a whole; where that fails, the old policy stays and the failure is reported. It never waits: it says
//! when to be called again. Every change needs a larger version: a change without one is reported as
//! `ReloadError::SameVersion` at every look, and counts once the version is larger. `PolicyFile` takes what a file
//! says, the first time too, only after two looks, a quarter of a second apart at least, have found the same in it;
//! until then there is no policy, and every request is answered 503. Meanwhile a look answers `Reloaded::Changing`,
//! and after 40 of these in a row `ReloadError::Unsettled`.

use auth_core::{Action, PolicyVersion};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{abac::rule::Rule, combine::Combiner, schema::Schema};

mod change;
mod compile;
mod error;
mod lists;
mod names;
mod roles;
#[cfg(any(feature = "json", feature = "toml"))]
mod syntax;

pub use error::DocumentError;
pub use lists::{Entry, Group, KindPermission, Lists, ResourceList};
pub use roles::{Assignment, Constraint, ConstraintKind, Direct, Role};

/// A policy as data: roles and who holds them, direct permissions, constraints, access control
/// lists, rules with conditions.
///
/// The order of items has a meaning only where it says so. [`compile`](Self::compile) makes a
/// [`Policy`](crate::Policy) of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct PolicyDocument {
    format: Format,
    /// The version of the policy. Give every change a larger one.
    pub version: PolicyVersion,
    /// How the models' effects become one.
    #[serde(default, skip_serializing_if = "is_default")]
    pub combining: Combiner,
    /// Every permission that roles and principals may have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub permissions: Vec<Action>,
    /// Roles.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<Role>,
    /// Who holds which roles.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assignments: Vec<Assignment>,
    /// What principals may do without a role.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub direct: Vec<Direct>,
    /// Roles that are kept apart.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub constraints: Vec<Constraint>,
    /// Access control lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acl: Option<Lists>,
    /// The attributes that rules may speak of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<Schema>,
    /// Rules with conditions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Rule>,
}

impl PolicyDocument {
    /// The version of the format that this reads and writes.
    pub const FORMAT: u32 = 1;
    /// The most bytes of a document: 64 MiB.
    pub const MAX_LEN: usize = 1 << 26;

    /// A policy that allows nothing.
    #[must_use]
    pub fn new(version: PolicyVersion) -> Self {
        Self {
            format: Format,
            version,
            combining: Combiner::default(),
            permissions: Vec::new(),
            roles: Vec::new(),
            assignments: Vec::new(),
            direct: Vec::new(),
            constraints: Vec::new(),
            acl: None,
            schema: None,
            rules: Vec::new(),
        }
    }

    /// The same, with other rules for combining the models' effects.
    #[must_use]
    pub fn combining(mut self, combiner: Combiner) -> Self {
        self.combining = combiner;
        self
    }

    /// The same, with one more permission.
    #[must_use]
    pub fn permission(mut self, permission: Action) -> Self {
        self.permissions.push(permission);
        self
    }

    /// The same, with one more role.
    #[must_use]
    pub fn role(mut self, role: Role) -> Self {
        self.roles.push(role);
        self
    }

    /// The same, with one more assignment.
    #[must_use]
    pub fn assign(mut self, assignment: Assignment) -> Self {
        self.assignments.push(assignment);
        self
    }

    /// The same, with direct permissions of one more principal.
    #[must_use]
    pub fn direct(mut self, direct: Direct) -> Self {
        self.direct.push(direct);
        self
    }

    /// The same, with one more constraint.
    #[must_use]
    pub fn constraint(mut self, constraint: Constraint) -> Self {
        self.constraints.push(constraint);
        self
    }

    /// The same, with these access control lists.
    #[must_use]
    pub fn acl(mut self, lists: Lists) -> Self {
        self.acl = Some(lists);
        self
    }

    /// The same, with the attributes that rules may speak of.
    #[must_use]
    pub fn schema(mut self, schema: Schema) -> Self {
        self.schema = Some(schema);
        self
    }

    /// The same, with one more rule.
    #[must_use]
    pub fn rule(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }
}

/// The number of the format, of which there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Format;

impl Serialize for Format {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(PolicyDocument::FORMAT)
    }
}

impl<'de> Deserialize<'de> for Format {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = u32::deserialize(deserializer)?;
        if number == PolicyDocument::FORMAT {
            return Ok(Self);
        }
        let expected = format!("format {}", PolicyDocument::FORMAT);
        Err(de::Error::invalid_value(de::Unexpected::Unsigned(u64::from(number)), &expected.as_str()))
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

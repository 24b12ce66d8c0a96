#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects, reason = "test code"))]

mod abac;
mod acl;
mod admin;
mod at_least;
mod attribute;
mod audited;
mod builder;
mod challenge;
mod combine;
mod compile;
mod condition;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod document;
mod engine;
mod error;
mod explain;
mod graph;
mod in_force;
mod live;
mod members;
mod memory;
mod names;
mod pattern;
mod permission_set;
mod permissions;
mod policy;
mod principals;
mod rbac;
mod role_ref;
mod rows;
mod schema;
mod separation;
mod sets;
mod slots;
mod snapshot;
mod source;
mod stack;
mod store;
mod verdict;

pub use abac::{
    Abac,
    error::{AbacError, RuleProblem},
    explain::{Clause, ClauseOutcome, Compared, ExplainedRule, ExplainedRules},
    rule::{Actions, Demand, Kinds, Rule, RuleEffect, RuleName},
};
pub use acl::{
    Acl, AclBuilder, AclCounted, AclCounts, AclDescription, AclError, AclOrder, AclResource, DescribedEntry,
    GroupId, Trustee,
};
pub use admin::{
    AdminError, AdminPermissions, Administering, Administration, PolicyChange, StoredAdministering,
    StoredAdministration,
};
pub use at_least::AtLeast;
pub use attribute::{
    AttributeName, AttributeNameError, AttributePath, Root,
    kind::{AttributeType, AttributeTypeError, Declaration, ScalarType},
    map::AttributeMap,
    value::Value,
};
pub use audited::Audited;
pub use builder::{PolicyBuilder, RoleBuilder};
pub use combine::Combiner;
pub use condition::{
    Condition,
    error::{ConditionError, ConditionProblem},
    pattern::{Pattern, PatternError},
    tree::{Comparison, Nested, Operation, Part, Predicate, Term, Variable, VariableError},
    zone::{ZoneError, ZoneName},
};
pub use engine::Engine;
pub use error::{Counted, PolicyError};
pub use explain::{Because, Explanation};
pub use live::LivePolicy;
pub use memory::MemoryPolicy;
pub use permission_set::{PermissionId, PermissionSet, UnknownPermission};
pub use policy::{Policy, PolicyDescription};
pub use rbac::{Outdated, Rbac};
pub use role_ref::{RoleKey, RoleRef};
pub use schema::{Schema, SchemaError};
pub use separation::SeparationKind;
pub use snapshot::{
    ActivationError, ActiveRoles, Counts, DecidedBy, DescribeError, DescribedRule, DescribedSeparation,
    Description, PermissionIndex, PrincipalIndex, RolesExplanation, Snapshot, Within,
};
#[cfg(any(feature = "json", feature = "toml"))]
pub use source::PolicyFile;
#[cfg(all(feature = "watch", any(feature = "json", feature = "toml")))]
pub use source::PolicyWatch;
pub use source::{
    Loaded, PolicyReloader, PolicySource, Polled, ReloadError, Reloaded, Revision, SourceError,
};
pub use stack::Stack;
pub use store::{PolicyStore, PolicyStoreError, Saved};
pub use verdict::Verdict;

/// What [`permissions!`] needs where it is used. Not for anybody else.
#[doc(hidden)]
pub mod __private {
    pub use auth_core::{Action, Permission, ResourceKind};

    pub use crate::permission_set::{__all_distinct, __permission_dot};
}

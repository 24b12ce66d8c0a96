#![doc = include_str!("../README.md")]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects, reason = "test code"))]

mod builder;
mod combine;
mod compile;
mod engine;
mod error;
mod explain;
mod graph;
mod names;
mod permission_set;
mod permissions;
mod principals;
mod rbac;
mod rows;
mod sets;
mod slots;
mod snapshot;
mod stack;
mod verdict;

pub use builder::{PolicyBuilder, RoleBuilder};
pub use combine::Combiner;
pub use engine::Engine;
pub use error::{Counted, PolicyError};
pub use explain::{Because, Explanation};
pub use permission_set::{PermissionId, PermissionSet, UnknownPermission};
pub use rbac::{Outdated, Rbac};
pub use snapshot::{
    Counts, DecidedBy, DescribeError, DescribedRule, Description, PermissionIndex, PrincipalIndex, Snapshot,
};
pub use stack::Stack;
pub use verdict::Verdict;

/// What [`permissions!`] needs where it is used. Not for anybody else.
#[doc(hidden)]
pub mod __private {
    pub use auth_core::{Action, Permission, ResourceKind};

    pub use crate::permission_set::{__all_distinct, __permission_dot};
}

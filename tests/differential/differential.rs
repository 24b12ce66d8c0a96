//! What the models of `auth-rbac` decide, beside what naive ones and other engines decide.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "test code"
)]

mod casbin_rbac;
mod cedar_conditions;
mod naive;
mod rbac;

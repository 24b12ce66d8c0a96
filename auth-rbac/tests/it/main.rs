#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "test code"
)]

mod abac;
mod acl;
mod acl_building;
mod acl_explaining;
mod acl_model;
mod active;
mod administering;
mod asserted;
mod building;
mod changing;
mod combining;
mod conformance;
mod deciding;
mod describing;
mod direct;
mod document;
mod document_property;
mod explaining;
mod live;
mod model;
mod naming;
mod permissions;
mod reloading;
mod reviewing;
mod separation;
mod support;
mod tenants;
mod watching;
mod wildcards;

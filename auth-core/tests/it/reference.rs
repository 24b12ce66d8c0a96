//! The reference stores pass every suite: what the suites demand can be done.

use std::sync::Arc;

use auth_core::conformance::reference::{
    ReferenceAccounts, ReferenceAssignments, ReferenceCounters, ReferenceSessions, ReferenceTokens,
};

async fn accounts() -> (Arc<ReferenceAccounts>, Arc<ReferenceAccounts>) {
    let both = Arc::<ReferenceAccounts>::default();
    (Arc::clone(&both), both)
}

auth_core::session_store_conformance!(|| async { ReferenceSessions::default() }, threads);
auth_core::token_store_conformance!(|| async { ReferenceTokens::default() }, threads);
auth_core::counter_store_conformance!(|| async { ReferenceCounters::default() }, threads);
auth_core::account_store_conformance!(accounts, threads);
auth_core::credential_store_conformance!(accounts, threads);
auth_core::assignment_store_conformance!(|| async { ReferenceAssignments::default() }, threads);

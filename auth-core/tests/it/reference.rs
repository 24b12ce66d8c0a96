//! The reference stores pass every suite: what the suites demand can be done.

use auth_core::conformance::reference::{ReferenceCounters, ReferenceSessions, ReferenceTokens};

auth_core::session_store_conformance!(|| async { ReferenceSessions::default() }, threads);
auth_core::token_store_conformance!(|| async { ReferenceTokens::default() }, threads);
auth_core::counter_store_conformance!(|| async { ReferenceCounters::default() }, threads);

//! The reference stores pass every suite: what the suites demand can be done.

use auth_core::conformance::reference::ReferenceSessions;

auth_core::session_store_conformance!(|| async { ReferenceSessions::default() }, threads);

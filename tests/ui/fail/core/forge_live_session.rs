//! That a live session stands behind a request cannot be written down.
use std::sync::Arc;

use auth_core::{Authentication, LiveSession, UnixTime};

fn forge(authentication: Arc<Authentication>) -> LiveSession {
    LiveSession { authentication, ends_at: UnixTime::MAX }
}

fn main() {}

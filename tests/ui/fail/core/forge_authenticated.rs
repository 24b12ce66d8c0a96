//! That a request acts for somebody cannot be written down.
use std::sync::Arc;

use auth_core::{Authenticated, Authentication};

fn forge(event: Authentication) -> Authenticated {
    Authenticated { authentication: Arc::new(event), asserted_roles: None }
}

fn main() {}

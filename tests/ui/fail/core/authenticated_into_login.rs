//! A request that acts for somebody starts nothing new: theft could renew itself.
use auth_core::{Authenticated, Login};

fn start(_: Login) {}

fn handler(request: Authenticated) {
    start(request);
}

fn convert(request: Authenticated) {
    start(request.into());
}

fn main() {}

//! State that does not come from `mount` does not do.
use auth_web::{CurrentUser, axum08::Mounted};
use axum::{Router, routing::get};

async fn profile(_: CurrentUser) {}

fn own_state() -> Router {
    let routes: Router<Mounted<&'static str>> = Router::new().route("/profile", get(profile));
    routes.with_state("state")
}

fn main() {}

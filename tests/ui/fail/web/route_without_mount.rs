//! A route that needs a logged-in person is not served where nothing would know who is.
use auth_web::CurrentUser;
use axum::{Router, routing::get};

async fn profile(_: CurrentUser) {}

fn app() -> Router {
    Router::new().route("/profile", get(profile))
}

fn main() {}

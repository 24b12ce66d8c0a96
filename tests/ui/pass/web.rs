//! The right way to serve routes that need a logged-in person, a permission, a bearer token or an API key.
use auth_web::{
    ApiKey, Auth, Bearer, CurrentUser, MaybeUser, Refusal, Require, Visit,
    core::{Login, Permit},
};
use axum::{Router, routing::get};

auth_web::rbac::permissions! {
    /// What this service lets people do.
    pub enum Permission, mod perm {
        /// Delete any account.
        UsersDelete = "users.delete",
    }
}

async fn home(_: MaybeUser, _: Option<CurrentUser>) {}

async fn profile(_: CurrentUser) {}

async fn api(_: Bearer) {}

async fn programs(_: ApiKey) {}

async fn delete(Require(permit): Require<perm::UsersDelete>) {
    let _: Permit<perm::UsersDelete> = permit;
}

async fn begin(visit: &Visit, login: Login) -> Result<(), Refusal> {
    visit.log_in(login).await?;
    Ok(())
}

fn app(auth: Auth) -> Router {
    let routes = Router::new()
        .route("/", get(home))
        .route("/profile", get(profile))
        .route("/api", get(api))
        .route("/programs", get(programs))
        .route("/delete", get(delete));
    auth.mount(routes, ())
}

fn main() {
    let _ = (app, begin);
}

//! actix-web 4: extractors, and the middleware that opens and commits sessions.
//!
//! ```
//! use actix_web::{App, HttpServer, web};
//! use auth_web::{Auth, CurrentUser, MaybeUser};
//!
//! async fn home(MaybeUser(user): MaybeUser) -> String {
//!     let name = user.as_ref().map_or("stranger", |user| user.principal().id());
//!     format!("hello {name}")
//! }
//!
//! async fn profile(user: CurrentUser) -> String {
//!     user.principal().id().to_owned()
//! }
//!
//! async fn serve(auth: Auth) -> std::io::Result<()> {
//!     HttpServer::new(move || {
//!         App::new()
//!             .wrap(auth.middleware())
//!             .route("/", web::get().to(home))
//!             .route("/profile", web::get().to(profile))
//!     })
//!     .bind("127.0.0.1:3000")?
//!     .run()
//!     .await
//! }
//! ```
//!
//! The names mean what they mean for axum, with two differences that the framework makes. A route without the
//! middleware compiles; its extractors answer 503. And `Option<T>` turns every error into `None`, a dead store
//! included: take [`MaybeUser`](crate::MaybeUser), which does not.

mod extract;
mod middleware;

pub use self::middleware::{AuthMiddleware, AuthService};
use crate::Auth;

impl Auth {
    /// The middleware, for `App::wrap`. Put it outermost, so that what others do is inside a visit.
    ///
    /// An answer with status 500 or more saves session data like any other; logging in and out have happened by
    /// then in any case.
    #[must_use]
    pub fn middleware(&self) -> AuthMiddleware {
        AuthMiddleware::new(self.clone())
    }
}

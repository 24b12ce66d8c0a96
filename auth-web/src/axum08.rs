//! axum 0.8: extractors, and [`mount`](crate::Auth::mount), which brings layer and state together.
//!
//! ```
//! use auth_web::{Auth, CurrentUser, MaybeUser, axum08::Mounted};
//! use axum::{Router, extract::{FromRef, State}, routing::get};
//!
//! #[derive(Clone)]
//! struct App {
//!     greeting: &'static str,
//! }
//!
//! // Lets handlers take `State<App>` as they always do.
//! impl FromRef<Mounted<App>> for App {
//!     fn from_ref(mounted: &Mounted<App>) -> Self {
//!         mounted.app().clone()
//!     }
//! }
//!
//! async fn home(State(app): State<App>, MaybeUser(user): MaybeUser) -> String {
//!     let name = user.as_ref().map_or("stranger", |user| user.principal().id());
//!     format!("{} {name}", app.greeting)
//! }
//!
//! async fn profile(user: CurrentUser) -> String {
//!     user.principal().id().to_owned()
//! }
//!
//! fn routes(auth: Auth, app: App) -> Router {
//!     auth.mount(Router::new().route("/", get(home)).route("/profile", get(profile)), app)
//! }
//! ```
//!
//! A route that takes one of the extractors is served only by `mount`: nothing else makes a [`Mounted`] state.
//! Serve with `into_make_service_with_connect_info::<SocketAddr>()`, so that throttles know who is who.

mod extract;
mod layer;
mod worded;

pub use self::worded::Worded;

use axum::{Router, extract::FromRef};

use crate::Auth;

/// The state of mounted routes: the application's own, and the proof that the layer is there.
#[derive(Debug, Clone)]
pub struct Mounted<S> {
    auth: Auth,
    app: S,
}

impl<S> Mounted<S> {
    /// The application's own state.
    #[must_use]
    pub const fn app(&self) -> &S {
        &self.app
    }
}

impl<S> FromRef<Mounted<S>> for Auth {
    fn from_ref(mounted: &Mounted<S>) -> Self {
        mounted.auth.clone()
    }
}

impl Auth {
    /// Applies the layer to `routes` and gives them their state.
    ///
    /// What comes out can be merged and nested like any router. Routes that need no authentication may be
    /// mounted too: a session is opened only for handlers that ask.
    ///
    /// An answer with status 500 or more saves session data like any other; logging in and out have happened by
    /// then in any case. A handler that panics saves none.
    pub fn mount<S: Clone + Send + Sync + 'static>(self, routes: Router<Mounted<S>>, app: S) -> Router {
        let layer = layer::AuthLayer::new(self.clone());
        // `layer` and not `route_layer`: the fallback may be a page that shows who is logged in.
        routes.layer(layer).with_state(Mounted { auth: self, app })
    }
}

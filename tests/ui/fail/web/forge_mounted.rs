//! That the layer is there cannot be written down.
use auth_web::{Auth, axum08::Mounted};

fn forge(auth: Auth) -> Mounted<()> {
    Mounted { auth, app: () }
}

fn main() {}

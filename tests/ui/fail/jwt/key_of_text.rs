//! A key is not a piece of text: a password or a public key does not become one in passing.
use auth_jwt::{Hs256Key, KeyError};

fn password() -> Result<Hs256Key, KeyError> {
    Hs256Key::new("correct horse battery staple")
}

fn main() {}

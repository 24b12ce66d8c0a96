//! A secret has no text form that could slip into a message.
use auth_core::{DerivedKey, Secret, SessionSecret};

fn log(password: &Secret, cookie: &SessionSecret, key: &DerivedKey) {
    println!("{password}");
    println!("{cookie}");
    println!("{key}");
}

fn main() {}

//! A set of keys is checked when it is made: never empty, no name twice, no secrets beside public keys.
use auth_jwt::{AnyVerifyingKey, KeySet};

fn literal(keys: Vec<AnyVerifyingKey>) -> KeySet {
    KeySet(keys.into())
}

fn empty() -> KeySet {
    KeySet::default()
}

fn converted(keys: Vec<AnyVerifyingKey>) -> KeySet {
    keys.into()
}

fn main() {}

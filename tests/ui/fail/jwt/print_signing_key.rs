//! A private key is not printed, compared or serialised by mistake.
use auth_jwt::Es256SigningKey;

fn print(key: &Es256SigningKey) -> String {
    format!("{key}")
}

fn compare(one: &Es256SigningKey, two: &Es256SigningKey) -> bool {
    one == two
}

fn serialise(key: &Es256SigningKey) -> impl serde::Serialize {
    key
}

fn main() {}

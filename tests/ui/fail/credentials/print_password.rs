//! A password is not printed, compared or cut out of its type.
use auth_credentials::Password;

fn log(password: &Password) {
    println!("{password}");
}

fn check(password: &Password, stored: &Password) -> bool {
    password == stored
}

fn main() {}

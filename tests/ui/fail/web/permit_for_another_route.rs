//! The permit of one route does not do for another.
use auth_web::{Require, core::Permit};

auth_web::rbac::permissions! {
    /// What this service lets people do.
    pub enum Permission, mod perm {
        /// See any account.
        UsersRead = "users.read",
        /// Delete any account.
        UsersDelete = "users.delete",
    }
}

fn delete(_: Permit<perm::UsersDelete>) {}

async fn handler(Require(permit): Require<perm::UsersRead>) {
    delete(permit);
}

fn main() {}

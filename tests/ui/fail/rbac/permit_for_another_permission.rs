//! A permit to read users does not delete them.
use auth_core::Permit;

auth_rbac::permissions! {
    /// What this service lets people do.
    pub enum Permission, mod perm {
        /// See any account.
        UsersRead = "users.read",
        /// Delete any account.
        UsersDelete = "users.delete",
    }
}

fn delete(_: Permit<perm::UsersDelete>) {}

fn handler(permit: Permit<perm::UsersRead>) {
    delete(permit);
}

fn main() {}

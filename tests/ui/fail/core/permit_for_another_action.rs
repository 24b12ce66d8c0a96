//! A permit for reading does not delete.
use auth_core::{Action, Permission, Permit, ResourceKind};

struct UsersRead;
impl Permission for UsersRead {
    const ACTION: Action = Action::from_static("users.read");
    const RESOURCE: ResourceKind = ResourceKind::from_static("users");
}

struct UsersDelete;
impl Permission for UsersDelete {
    const ACTION: Action = Action::from_static("users.delete");
    const RESOURCE: ResourceKind = ResourceKind::from_static("users");
}

fn delete(_: Permit<UsersDelete>) {}

fn read_only(permit: Permit<UsersRead>) {
    delete(permit);
}

fn not_looked_at(permit: Permit) {
    delete(permit);
}

fn main() {}

//! Nobody is asked about who was not authenticated.
use auth_core::{AccessRequest, Action, Authentication, PrincipalId, Resource, UnixTime};

fn by_name<'a>(who: &'a PrincipalId, action: &'a Action, resource: &'a Resource) -> AccessRequest<'a> {
    AccessRequest::new(who, action, resource, UnixTime::EPOCH)
}

fn by_event<'a>(who: &'a Authentication, action: &'a Action, resource: &'a Resource) -> AccessRequest<'a> {
    AccessRequest::new(who, action, resource, UnixTime::EPOCH)
}

fn main() {}

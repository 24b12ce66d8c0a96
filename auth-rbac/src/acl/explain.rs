//! Why lists say what they say of a request.

use auth_core::AccessRequest;

use super::{Acl, AclDescription, Value, trustee::Trustee};
use crate::verdict::Verdict;

impl Acl {
    /// What decided, and how the principal comes to it; or what is missing.
    pub(super) fn explain_request(
        &self,
        request: &AccessRequest<'_>,
        verdict: &Verdict,
    ) -> Option<AclDescription> {
        if verdict.rule().is_none() {
            return self.missing(request);
        }
        let mut description = self.describe(verdict).ok()?;
        if let AclDescription::Entry(entry) = &mut description
            && let Trustee::Group(group) = &entry.trustee
        {
            entry.membership = self.membership(request.principal(), group).unwrap_or_default();
        }
        Some(description)
    }

    fn missing(&self, request: &AccessRequest<'_>) -> Option<AclDescription> {
        let resource = request.resource();
        let Some((kind, bit)) = self.kinds.locate(resource.kind(), request.action().as_str()) else {
            return Some(AclDescription::UnknownPermission {
                permission: request.action().clone(),
                kind: resource.kind().clone(),
            });
        };
        let Some(at) = self.place_of(resource, kind) else {
            return Some(AclDescription::UnknownResource(resource.clone()));
        };
        let list = self.entries.get(Value::from(self.resources.values(at)?).list);
        let allows = list.iter().filter(|entry| (entry.mask >> bit) & 1 == 1 && !entry.denies());
        let mut subjects: Vec<u32> = allows.map(|entry| entry.subject).collect();
        subjects.dedup();
        let trustees = subjects.into_iter().take(AclDescription::MAX_TRUSTEES);
        Some(AclDescription::NotListed {
            permission: request.action().clone(),
            resource: resource.clone(),
            allowing: trustees.filter_map(|subject| self.trustee(subject)).collect(),
        })
    }
}

//! What lists deny somebody on any resource.

use std::collections::HashMap;

use auth_core::{Action, PrincipalId, Realm};
use foldhash::fast::RandomState;

use super::{Acl, Caller, Value, is_for};

/// What lists deny one principal on some resource: by tenant, whose numbers begin at 1, and kind, the bits of permissions.
#[derive(Debug, Default)]
pub(crate) struct Denials(HashMap<(u32, u16), u64, RandomState>);

impl Acl {
    /// What lists deny a principal anywhere. It looks at every resource.
    pub(crate) fn denials(&self, principal: &PrincipalId) -> Denials {
        let caller = self.caller(principal);
        let (mut denials, mut known) = (Denials::default(), HashMap::<_, _, RandomState>::default());
        for at in self.resources.places() {
            let (Some(value), Some(key)) = (self.resources.values(at), self.resources.key(at)) else {
                continue;
            };
            let value = Value::from(value);
            let owns = value.is_owned_by(caller);
            let denied =
                *known.entry((value.list, owns)).or_insert_with(|| self.denied_by(value.list, caller, owns));
            let kept = if owns { self.kinds.kept(key.kind) } else { 0 };
            *denials.0.entry((key.space, key.kind)).or_default() |= denied & !kept;
        }
        denials
    }

    /// Whether a permission is denied on some resource of a tenant, or without one on some resource at all: what counts
    /// everywhere counts in every tenant.
    pub(crate) fn is_denied(&self, denials: &Denials, permission: &Action, tenant: Option<&Realm>) -> bool {
        let space = tenant.map(|tenant| Some(self.realms.find(tenant.as_str())?.saturating_add(1)));
        denials.0.iter().any(|((of, kind), denied)| {
            let is_here = space.is_none_or(|space| space == Some(*of));
            is_here && self.kinds.bit(*kind, permission.as_str()).is_some_and(|bit| (denied >> bit) & 1 == 1)
        })
    }

    /// The bits that a list denies: those of which the first entry for the caller denies them.
    fn denied_by(&self, list: u32, caller: Caller<'_>, owns: bool) -> u64 {
        let me = self.subject_of(caller);
        let mut entries = self.entries.get(list).to_vec();
        entries.retain(|entry| is_for(entry.subject, caller.groups, me, owns));
        entries.sort_unstable_by_key(|entry| entry.rank);
        let (mut said, mut denied) = (0, 0);
        for entry in entries {
            if entry.denies() {
                denied |= entry.mask & !said;
            }
            said |= entry.mask;
        }
        denied
    }
}

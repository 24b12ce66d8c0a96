//! Why the roles of a principal say what they say.

use std::fmt;

use auth_core::{AccessRequest, Effect};

use super::{
    Snapshot,
    decide::{Active, Held},
    describe::Description,
};
use crate::{
    explain::{Because, Explanation},
    role_ref::RoleKey,
    verdict::Verdict,
};

/// Why a [`Snapshot`] says what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RolesExplanation {
    /// A rule decided, or a separation of duty.
    Decided {
        /// Which one, and the way to it.
        by: Description,
        /// What allows it and was overridden by what forbids it.
        overridden: Option<Description>,
    },
    /// No permission has the name of the action, so nobody may do it.
    UnknownAction,
    /// Nothing that the principal holds, and has active, allows it.
    Missing {
        /// The roles that it holds, in the tenant of the resource and everywhere, and by its credential.
        held: Vec<RoleKey>,
        /// Those of them that would allow it if they were active.
        inactive: Vec<RoleKey>,
        /// Roles that allow it, of the policy and of the tenant: the first
        /// [`MAX_ROLES`](RolesExplanation::MAX_ROLES) by name.
        allowing: Vec<RoleKey>,
    },
}

impl RolesExplanation {
    /// The most roles that are told as allowing something.
    pub const MAX_ROLES: usize = 16;
}

impl fmt::Display for RolesExplanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |f: &mut fmt::Formatter<'_>, title: &str, roles: &[RoleKey]| {
            roles.iter().enumerate().try_for_each(|(n, role)| {
                f.write_str(if n == 0 { title } else { ", " })?;
                role.fmt(f)
            })
        };
        match self {
            Self::Decided { by, overridden: None } => by.fmt(f),
            Self::Decided { by, overridden: Some(overridden) } => write!(f, "{by}, overriding: {overridden}"),
            Self::UnknownAction => f.write_str("no permission has this name"),
            Self::Missing { held, inactive, allowing } => {
                f.write_str("nothing that is held allows it")?;
                list(f, "; held: ", held)?;
                list(f, "; not active: ", inactive)?;
                list(f, "; allowed by: ", allowing)
            }
        }
    }
}

impl Snapshot {
    pub(super) fn explain_request(&self, request: &AccessRequest<'_>, verdict: Verdict) -> Explanation {
        let because = match self.permissions.find(request.action().as_str()) {
            Some(permission) => self.explain_permission(request, permission, &verdict),
            None => match self.describe(&verdict) {
                Ok(by @ Description::Separated { .. }) => RolesExplanation::Decided { by, overridden: None },
                _ => RolesExplanation::UnknownAction,
            },
        };
        Explanation::new(verdict, Because::Roles(because))
    }

    fn explain_permission(
        &self,
        request: &AccessRequest<'_>,
        permission: u32,
        verdict: &Verdict,
    ) -> RolesExplanation {
        let space = self.space(request.resource().tenant());
        let permits = |role: &u32| self.sets.permits(self.sets.closure(*role), permission);
        self.with_all_of((request.principal(), request.asserted_roles()), space, |held| {
            self.with_active(held, request.active_roles(), space, |active| {
                match (verdict.effect(), self.describe(verdict)) {
                    (effect @ (Effect::Permit | Effect::Deny), Ok(by)) => {
                        let permit =
                            self.active(held, active).find(permits).filter(|_| effect == Effect::Deny);
                        let overridden = permit.and_then(|role| self.describe_permit(role, permission));
                        RolesExplanation::Decided { by, overridden }
                    }
                    _ => self.missing(held, active, space, &permits),
                }
            })
        })
    }

    fn missing(
        &self,
        held: Held<'_>,
        active: Active<'_>,
        space: u32,
        permits: &dyn Fn(&u32) -> bool,
    ) -> RolesExplanation {
        let is_active = |role: u32| self.active(held, active).any(|active| active == role);
        let keys = |roles: &mut dyn Iterator<Item = u32>| {
            let mut keys = self.keys(roles);
            keys.dedup();
            keys
        };
        let known = (0_u32..).zip(0..self.roles.len()).map(|(role, _)| role);
        let here = |role: &u32| [0, space].contains(&self.roles.space(*role));
        let mut allowing = keys(&mut known.filter(here).filter(permits));
        allowing.truncate(RolesExplanation::MAX_ROLES);
        RolesExplanation::Missing {
            held: keys(&mut held.iter()),
            inactive: keys(&mut held.iter().filter(permits).filter(|role| !is_active(*role))),
            allowing,
        }
    }
}

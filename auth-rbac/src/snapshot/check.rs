//! Asking by numbers.

use auth_core::{Effect, Indeterminate, Realm};

use super::{
    PermissionIndex, PrincipalIndex, Snapshot,
    decide::{Active, Decided, Held},
};

impl Snapshot {
    /// What the policy says of a principal, with all that it holds everywhere, and a permission:
    /// [`Effect::Deny`] if anything of it forbids that, otherwise [`Effect::Permit`] if anything allows it,
    /// otherwise [`Effect::NotApplicable`].
    ///
    /// The fastest way to ask, and the one without a proof: use [`Rbac`](crate::Rbac) at doors. Numbers of
    /// another snapshot are [`Effect::Indeterminate`].
    #[must_use]
    #[inline]
    pub fn check(&self, principal: PrincipalIndex, permission: PermissionIndex) -> Effect {
        if principal.stamp != self.stamp || permission.stamp != self.stamp {
            return Effect::Indeterminate(Indeterminate::Either);
        }
        if self.separations.any_dynamic() {
            return self.check_within(0, principal, permission.index);
        }
        effect(self.holding(principal.at).and_then(|held| self.decide_plainly(held, permission.index)))
    }

    /// As [`check`](Self::check), for a resource of a tenant: what the principal holds there counts as well.
    #[must_use]
    pub fn check_in(&self, tenant: &Realm, principal: PrincipalIndex, permission: PermissionIndex) -> Effect {
        if principal.stamp != self.stamp || permission.stamp != self.stamp {
            return Effect::Indeterminate(Indeterminate::Either);
        }
        self.check_within(self.space(Some(tenant)), principal, permission.index)
    }

    #[inline(never)]
    fn check_within(&self, space: u32, principal: PrincipalIndex, permission: u32) -> Effect {
        self.with_held(principal.at, space, |held| self.effect_of(held, permission))
    }

    /// With all roles active.
    pub(super) fn effect_of(&self, held: Held<'_>, permission: u32) -> Effect {
        match self.separated(held, Active::All) {
            Some(_) => Effect::Deny,
            None => effect(self.decide_held(held, Active::All, permission)),
        }
    }
}

#[inline]
fn effect(decided: Option<Decided>) -> Effect {
    match decided {
        Some(decided) if decided.rule.denies => Effect::Deny,
        Some(_) => Effect::Permit,
        None => Effect::NotApplicable,
    }
}

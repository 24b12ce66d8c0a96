//! What rules speak of.

use auth_core::{Action, ResourceKind};

use super::{ANY, Abac};

impl Abac {
    /// The kinds of resources that rules name to forbid an action there. Those that forbid it on every kind name none.
    pub(crate) fn kinds_denied(&self, action: &Action) -> impl Iterator<Item = ResourceKind> {
        let action = self.actions.find(action.as_str());
        let denied = move |kind: &u32| {
            [action, Some(ANY)].into_iter().flatten().any(|action| {
                self.bucket_of(action, *kind).is_some_and(|bucket| bucket.deny.all().next().is_some())
            })
        };
        (0..u32::try_from(self.kinds.len()).unwrap_or(u32::MAX))
            .filter(denied)
            .filter_map(|kind| ResourceKind::parse(self.kinds.get(kind)?).ok())
    }
}

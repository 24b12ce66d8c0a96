//! What is settled at a login.

use std::{sync::Arc, time::Duration};

use auth_core::{ClientLabel, ClientSignals, SessionTerms};

use crate::policy::SessionPolicy;

/// What a login says of its session beside who it is: whether it is remembered, and what it is called in a list of
/// devices.
#[derive(Debug, Clone, Default)]
pub struct StartOptions {
    remembered: Option<bool>,
    device: Option<ClientLabel>,
    place: Option<ClientLabel>,
}

impl StartOptions {
    /// A session as the policy says.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// "Remember me": the browser keeps the cookie when it is closed, and the session lives as long as
    /// [`SessionPolicy::with_remembered`] says, which is as long as any other where it says nothing.
    #[must_use]
    pub const fn remembered(mut self) -> Self {
        self.remembered = Some(true);
        self
    }

    /// Not remembered, whatever the same person's session before was: a box that was not ticked. Where neither is
    /// said, a login over that session leaves it as it was.
    #[must_use]
    pub const fn not_remembered(mut self) -> Self {
        self.remembered = Some(false);
        self
    }

    /// What the device is called in a list of sessions: `Firefox on Linux`.
    #[must_use]
    pub fn on_device(mut self, device: ClientLabel) -> Self {
        self.device = Some(device);
        self
    }

    /// What the place is called in a list of sessions: `Lisbon`.
    #[must_use]
    pub fn at_place(mut self, place: ClientLabel) -> Self {
        self.place = Some(place);
        self
    }

    /// What was not said is as it was in the same person's session before.
    pub(crate) fn or(mut self, before: Option<&SessionTerms>) -> Self {
        let Some(before) = before else { return self };
        self.remembered = self.remembered.or(Some(before.persistent));
        self.device = self.device.or_else(|| before.device.clone());
        self.place = self.place.or_else(|| before.place.clone());
        self
    }

    /// The terms of the session, and when it ends in any case.
    pub(crate) fn settle(
        self,
        policy: &SessionPolicy,
        signals: ClientSignals,
    ) -> (Option<Arc<SessionTerms>>, Duration) {
        let remembered = self.remembered.unwrap_or(false);
        let lifetime = policy.remembered().filter(|_| remembered);
        let mut terms = SessionTerms::new();
        terms.idle = lifetime.map(|(idle, _)| idle);
        terms.persistent = remembered;
        terms.device = self.device;
        terms.place = self.place;
        if !policy.client_check().is_off() {
            terms.signals = signals;
        }
        let absolute = lifetime.map_or(policy.absolute(), |(_, absolute)| absolute);
        ((!terms.is_empty()).then(|| Arc::new(terms)), absolute)
    }
}

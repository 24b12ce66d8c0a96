//! The list of devices.

use auth_core::{Authenticated, Page, SessionSummary, StoreError};

use crate::session::Session;

/// A session of whoever is logged in, as a page of devices shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// When and how it was begun, when it was last used, and what the device and the place are called.
    pub session: SessionSummary,
    /// Whether it is the one that asks.
    pub is_current: bool,
}

impl Session {
    /// The live sessions of whoever is logged in, newest first, browsers and API clients alike; none while nobody
    /// is. One of them is ended by [`Sessions::end_one`](crate::Sessions::end_one).
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn devices(&self, page: Page) -> Result<Vec<Device>, StoreError> {
        let Some(who) = self.authenticated().map(Authenticated::principal) else { return Ok(Vec::new()) };
        let sessions = self.engine.list(who, page).await?;
        let own = self.id();
        let device = |session: SessionSummary| Device { is_current: own == Some(session.id), session };
        Ok(sessions.into_iter().map(device).collect())
    }
}

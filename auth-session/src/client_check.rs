//! Noticing that a session is used by another client than the one that began it.

use auth_core::SignalChange;

/// What is done about a session whose client looks unlike the one that began it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WhenClientChanges {
    /// It is written to the audit log, at most as often as a use is written down.
    Observe,
    /// The session is there, and opens nothing until somebody logs in over it: the answer is 401,
    /// `insufficient_user_authentication` (RFC 9470). The data goes along to whom it belongs.
    Challenge,
    /// The session ends.
    End,
}

/// What a session's client is held to. Off unless it is asked for.
///
/// Neither signal proves anything: who steals a cookie can send the same `User-Agent`, and honest clients change
/// both. A browser's `User-Agent` changes with its updates, every few weeks. A phone's network changes when it
/// leaves the house, a laptop's when it is carried to a meeting, and behind some providers with every request:
/// ending or challenging sessions by their network logs honest people out several times a day. Begin by observing,
/// count, and then decide.
///
/// It is for browsers: refresh tokens, whose clients are programs, are held to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ClientCheck {
    user_agent: Option<WhenClientChanges>,
    network: Option<WhenClientChanges>,
}

impl ClientCheck {
    /// Nothing is held to anything, and nothing about clients is kept.
    #[must_use]
    pub const fn off() -> Self {
        Self { user_agent: None, network: None }
    }

    /// Holds sessions to their `User-Agent`.
    #[must_use]
    pub const fn on_user_agent(mut self, when: WhenClientChanges) -> Self {
        self.user_agent = Some(when);
        self
    }

    /// Holds sessions to the network of the client's address, as [`ClientSignals`](auth_core::ClientSignals) sees it.
    #[must_use]
    pub const fn on_network(mut self, when: WhenClientChanges) -> Self {
        self.network = Some(when);
        self
    }

    /// Whether anything is held to anything.
    #[must_use]
    pub const fn is_off(&self) -> bool {
        self.user_agent.is_none() && self.network.is_none()
    }

    /// What is done about this change: the strictest of what was asked for.
    pub(crate) fn judge(&self, change: SignalChange) -> Option<WhenClientChanges> {
        let user_agent = self.user_agent.filter(|_| change.user_agent);
        let network = self.network.filter(|_| change.network);
        user_agent.max(network)
    }
}

impl WhenClientChanges {
    pub(crate) const fn outcome(self) -> &'static str {
        match self {
            Self::Observe => "observed",
            Self::Challenge => "challenged",
            Self::End => "ended",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strictest_of_what_was_asked_for_is_done() {
        let change = |user_agent, network| SignalChange { user_agent, network };
        let check =
            ClientCheck::off().on_user_agent(WhenClientChanges::End).on_network(WhenClientChanges::Observe);
        assert_eq!(check.judge(change(false, false)), None);
        assert_eq!(check.judge(change(false, true)), Some(WhenClientChanges::Observe));
        assert_eq!(check.judge(change(true, false)), Some(WhenClientChanges::End));
        assert_eq!(check.judge(change(true, true)), Some(WhenClientChanges::End));
        assert_eq!(ClientCheck::off().judge(change(true, true)), None);
        assert!(ClientCheck::off().is_off() && !check.is_off());
    }
}

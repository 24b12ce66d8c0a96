//! What is settled when a session begins: how it lives, and what is known of the client that began it.

use std::{fmt, net::IpAddr, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

use crate::{
    authentication::AuthEpoch,
    limits::Network,
    text::{self, Class},
};

text::name! {
    /// What people know a device or a place by: `Firefox on Linux`, `Lisbon, Portugal`.
    ///
    /// It is shown in a list of devices, so it should be coarse: what tells people that it was them, and not where
    /// they live. It is the application's text, and a page that shows it escapes it.
    ClientLabel, max: 128, class: Class::Printable
}

text::name! {
    /// Names a key that a client holds, by its thumbprint (RFC 7638, base64url of SHA-256).
    KeyThumbprint, max: 64, class: Class::Identifier
}

/// What is settled when a session begins and does not change while it lives. Stores keep it as it is.
///
/// A session that has none of it, which is most of them, has none in its record: `None`, not an empty one.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SessionTerms {
    /// How long it lives without being used, where that is not what the policy says for all, in whole seconds.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "whole_seconds")]
    pub idle: Option<Duration>,
    /// Whether the browser keeps it when it is closed, where the policy says that it does not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub persistent: bool,
    /// The device that it was begun on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<ClientLabel>,
    /// Where it was begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<ClientLabel>,
    /// What the client that began it could be recognised by.
    #[serde(default, skip_serializing_if = "ClientSignals::is_empty")]
    pub signals: ClientSignals,
    /// The epoch of whoever really acts, where an administrator acts as somebody else: what ends the
    /// administrator's sessions ends this one too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor_epoch: Option<AuthEpoch>,
    /// A key that the client has to prove, beside the secret. Nothing in the toolkit sets it yet, and a session that
    /// has one opens for nobody; its
    /// place is kept for proof of possession (RFC 9449) and for device-bound session credentials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bound_key: Option<KeyThumbprint>,
}

impl SessionTerms {
    /// Nothing but what the policy says.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether nothing is settled, in which case a record has no terms.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What a client can be recognised by from one request to the next: a hash of its user agent and the network
/// that it is in. Neither proves anything; a change of either is a hint.
///
/// Kept so that little can be learnt from it: 128 bits of a hash, and a network instead of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientSignals {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user_agent: Option<UserAgentHash>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    network: Option<Network>,
}

impl ClientSignals {
    /// The prefix by which IPv4 addresses count as one network.
    pub const IPV4_PREFIX: u8 = 24;
    /// The prefix by which IPv6 addresses count as one network: what a household is often given.
    pub const IPV6_PREFIX: u8 = 56;

    /// Nothing.
    #[must_use]
    pub const fn none() -> Self {
        Self { user_agent: None, network: None }
    }

    /// Whether there is nothing.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.user_agent.is_none() && self.network.is_none()
    }

    /// The same with the value of the `User-Agent` header.
    #[must_use]
    pub fn with_user_agent(mut self, user_agent: &[u8]) -> Self {
        let hash: [u8; 32] = Sha256::digest(user_agent).into();
        self.user_agent = hash.first_chunk().map(|half| UserAgentHash(*half));
        self
    }

    /// The same with the network of the client's address. The address itself is not kept.
    #[must_use]
    pub fn with_address(mut self, address: IpAddr) -> Self {
        let address = address.to_canonical();
        let prefix = if address.is_ipv4() { Self::IPV4_PREFIX } else { Self::IPV6_PREFIX };
        self.network = Some(Network::of(address, prefix));
        self
    }

    /// What both sides say and say differently. What one of them does not say is no difference.
    #[must_use]
    pub fn changed_from(&self, before: &Self) -> SignalChange {
        fn differs<T: PartialEq>(now: Option<T>, before: Option<T>) -> bool {
            now.zip(before).is_some_and(|(now, before)| now != before)
        }
        SignalChange {
            user_agent: differs(self.user_agent, before.user_agent),
            network: differs(self.network, before.network),
        }
    }
}

/// Which signals of a client changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SignalChange {
    /// The user agent: an update of the browser, or another browser.
    pub user_agent: bool,
    /// The network: a phone that left the house, or another person.
    pub network: bool,
}

impl SignalChange {
    /// Whether anything did.
    #[must_use]
    pub const fn is_any(self) -> bool {
        self.user_agent || self.network
    }
}

/// The first half of a SHA-256.
#[derive(Clone, Copy, PartialEq, Eq)]
struct UserAgentHash([u8; 16]);

impl fmt::Debug for UserAgentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl Serialize for UserAgentHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl<'de> Deserialize<'de> for UserAgentHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        let mut hash = [0; 16];
        let read = URL_SAFE_NO_PAD.decode_slice(text.as_bytes(), &mut hash);
        match read {
            Ok(16) => Ok(Self(hash)),
            _ => Err(serde::de::Error::custom("not 16 bytes in base64url")),
        }
    }
}

/// A duration as a number of seconds.
mod whole_seconds {
    use super::{Deserialize, Deserializer, Duration, Serialize, Serializer};

    #[expect(clippy::ref_option, reason = "the signature that serde calls")]
    pub(super) fn serialize<S: Serializer>(
        duration: &Option<Duration>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        duration.map(|duration| duration.as_secs()).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        Ok(Option::<u64>::deserialize(deserializer)?.map(Duration::from_secs))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> SessionTerms {
        SessionTerms {
            idle: Some(Duration::from_secs(600)),
            persistent: true,
            device: Some(ClientLabel::from_static("Firefox on Linux")),
            place: Some(ClientLabel::parse("São Paulo").unwrap()),
            signals: ClientSignals::none()
                .with_user_agent(b"Mozilla/5.0")
                .with_address("192.0.2.77".parse().unwrap()),
            actor_epoch: Some(AuthEpoch::new(3)),
            bound_key: Some(KeyThumbprint::from_static("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs")),
        }
    }

    #[test]
    fn terms_survive_their_json() {
        for terms in [full(), SessionTerms::new()] {
            let json = serde_json::to_string(&terms).unwrap();
            assert_eq!(serde_json::from_str::<SessionTerms>(&json).unwrap(), terms, "{json}");
        }
        assert_eq!(serde_json::to_string(&SessionTerms::new()).unwrap(), "{}");
    }

    /// A row that a newer version wrote may carry a condition that this one would not check.
    #[test]
    fn terms_of_the_future_are_refused() {
        for json in [r#"{"presence":true}"#, r#"{"idle":-1}"#, r#"{"device":""}"#, r#"{"signals":{"x":1}}"#] {
            assert!(serde_json::from_str::<SessionTerms>(json).is_err(), "{json}");
        }
    }

    /// What is kept of an address names a network, in one spelling for a mapped address.
    #[test]
    fn an_address_is_kept_as_its_network() {
        let of = |address: &str| ClientSignals::none().with_address(address.parse().unwrap());
        assert_eq!(of("192.0.2.1"), of("192.0.2.254"));
        assert_eq!(of("192.0.2.1"), of("::ffff:192.0.2.9"));
        assert_eq!(of("2001:db8:0:ff::1"), of("2001:db8:0:1::2"));
        assert_ne!(of("192.0.2.1"), of("192.0.3.1"));
        assert!(!serde_json::to_string(&of("192.0.2.77")).unwrap().contains("77"));
    }

    #[test]
    fn only_what_both_sides_say_can_change() {
        let ua = |text: &[u8]| ClientSignals::none().with_user_agent(text);
        assert!(!ua(b"a").changed_from(&ClientSignals::none()).is_any());
        assert!(!ClientSignals::none().changed_from(&ua(b"a")).is_any());
        assert!(!ua(b"a").changed_from(&ua(b"a")).is_any());
        let changed = ua(b"a").changed_from(&ua(b"b"));
        assert!(changed.user_agent && !changed.network && changed.is_any());
    }
}

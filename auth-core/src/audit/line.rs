//! An audit event as a line of JSON.

use std::{fmt::Display, net::IpAddr};

use crate::{PrincipalId, UnixTime, audit::AuditEvent};

/// `{"at":1800000000,"name":"login","principal":{"realm":..,"kind":..,"id":..},..}`
pub(super) fn of(at: UnixTime, event: &AuditEvent) -> String {
    let mut line = Line::begin(at, event.name());
    line.fields(event);
    line.0.push('}');
    line.0
}

/// JSON under way (RFC 8259). Names of fields are written in this file and need no escape.
struct Line(String);

impl Line {
    fn begin(at: UnixTime, name: &str) -> Self {
        let mut line = Self(String::with_capacity(256));
        line.0.push_str("{\"at\":");
        line.0.push_str(&at.as_secs().to_string());
        line.text("name", name);
        line
    }

    fn fields(&mut self, event: &AuditEvent) {
        use AuditEvent as E;
        match event {
            E::AccountCreated { principal }
            | E::SignUpTaken { principal }
            | E::CredentialRehashed { principal }
            | E::AccountEnabled { principal } => self.principal("principal", principal),
            E::FactorPassed { principal, method, source } => {
                self.principal("principal", principal);
                self.text("method", method.as_str());
                self.source(*source);
            }
            E::LoggedIn { principal, methods, source } => {
                self.principal("principal", principal);
                self.name("methods");
                self.0.push('[');
                for (at, method) in methods.iter().enumerate() {
                    if at > 0 {
                        self.0.push(',');
                    }
                    self.string(method.as_str());
                }
                self.0.push(']');
                self.source(*source);
            }
            E::CredentialRefused { reason, method, principal, source } => {
                self.text("reason", reason.as_str());
                self.text("method", method.as_str());
                self.perhaps("principal", principal.as_ref());
                self.source(*source);
            }
            E::Throttled { what, principal, source } => {
                self.text("what", what);
                self.perhaps("principal", principal.as_ref());
                self.source(*source);
            }
            E::Overloaded { what } | E::NotSent { what } | E::Unanswered { what } => self.text("what", what),
            E::StoreFull { store } => self.text("store", store),
            E::CredentialChanged { principal, method, epoch } => {
                self.principal("principal", principal);
                self.text("method", method.as_str());
                self.number("epoch", epoch.get());
            }
            E::CredentialAdded { principal, method, id } | E::CredentialRemoved { principal, method, id } => {
                self.principal("principal", principal);
                self.text("method", method.as_str());
                if let Some(id) = id {
                    self.text("id", id);
                }
            }
            E::LinkSent { principal, what } => {
                self.principal("principal", principal);
                self.text("what", what);
            }
            E::CodeSent { principal, method } => {
                self.principal("principal", principal);
                self.text("method", method.as_str());
            }
            E::AddressProven { principal, epoch } | E::AccountDisabled { principal, epoch } => {
                self.principal("principal", principal);
                self.number("epoch", epoch.get());
            }
            E::SessionStarted { session, principal } | E::SessionReplayed { session, principal } => {
                self.shown("session", session);
                self.perhaps("principal", principal.as_ref());
            }
            E::SessionEnded { session, why } => {
                self.shown("session", session);
                self.text("why", why);
            }
            E::SessionsEnded { principal, count, epoch } => {
                self.principal("principal", principal);
                self.number("count", *count);
                self.number("epoch", epoch.get());
            }
            E::SessionsEndedByLimit { principal, count, session } => {
                self.principal("principal", principal);
                self.number("count", u64::from(*count));
                self.shown("session", session);
            }
            E::SessionReissued { session } => self.shown("session", session),
            E::ClientChanged { session, principal, change, outcome } => {
                self.shown("session", session);
                self.principal("principal", principal);
                self.flag("user_agent", change.user_agent);
                self.flag("network", change.network);
                self.text("outcome", outcome);
            }
            E::Impersonated { principal, actor, session } => {
                self.principal("principal", principal);
                self.principal("actor", actor);
                self.shown("session", session);
            }
            E::TokenIssued { principal, id } => {
                self.principal("principal", principal);
                self.text("id", id);
            }
            E::CrossSiteRefused { source } => self.source(*source),
            E::PeerUnknown => {}
            E::AccessDenied { principal, action, reason, version, rule } => {
                self.principal("principal", principal);
                self.text("action", action.as_str());
                self.text("reason", reason.as_str());
                if let Some(version) = version {
                    self.shown("version", version);
                }
                if let Some(rule) = rule {
                    self.number("rule", rule.get());
                }
            }
            E::RoleGranted { principal, role, by } | E::RoleRevoked { principal, role, by } => {
                self.principal("principal", principal);
                self.text("role", role.as_str());
                self.perhaps("by", by.as_ref());
            }
            E::PolicyLoaded { version } => self.shown("version", version),
            E::PolicyChanged { by, change, version } | E::PolicyUnchanged { by, change, version } => {
                self.principal("by", by);
                self.text("change", change);
                self.shown("version", version);
            }
            E::AccountRemoved { principal, by } => {
                self.principal("principal", principal);
                self.perhaps("by", by.as_ref());
            }
            E::EventsSuppressed { event, count } => {
                self.text("event", event);
                self.number("count", *count);
            }
            E::EventsDropped { count } => self.number("count", *count),
        }
    }

    fn name(&mut self, name: &str) {
        self.0.extend([",\"", name, "\":"]);
    }

    fn text(&mut self, name: &str, value: &str) {
        self.name(name);
        self.string(value);
    }

    fn shown(&mut self, name: &str, value: &impl Display) {
        self.text(name, &value.to_string());
    }

    fn number(&mut self, name: &str, value: u64) {
        self.name(name);
        self.0.push_str(&value.to_string());
    }

    fn flag(&mut self, name: &str, value: bool) {
        self.name(name);
        self.0.push_str(if value { "true" } else { "false" });
    }

    /// Its parts apart, as everywhere.
    fn principal(&mut self, name: &str, value: &PrincipalId) {
        self.name(name);
        self.0.push_str("{\"realm\":");
        self.string(value.realm().as_str());
        self.text("kind", value.kind().as_str());
        self.text("id", value.id());
        self.0.push('}');
    }

    fn perhaps(&mut self, name: &str, value: Option<&PrincipalId>) {
        if let Some(value) = value {
            self.principal(name, value);
        }
    }

    fn source(&mut self, value: Option<IpAddr>) {
        if let Some(value) = value {
            self.shown("source", &value);
        }
    }

    /// A string with everything escaped that would end it, or the line (RFC 8259 section 7).
    fn string(&mut self, value: &str) {
        self.0.push('"');
        for c in value.chars() {
            match c {
                '"' => self.0.push_str("\\\""),
                '\\' => self.0.push_str("\\\\"),
                // The two line ends of Unicode too, for readers that split there.
                c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => {
                    self.0.push_str(&format!("\\u{:04x}", u32::from(c)));
                }
                c => self.0.push(c),
            }
        }
        self.0.push('"');
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{AuthEpoch, Method, PolicyVersion, RejectionReason, RuleId};

    fn read(event: &AuditEvent) -> Value {
        let line = of(UnixTime::from_secs(7), event);
        assert!(!line.contains('\n'), "one line: {line}");
        serde_json::from_str(&line).unwrap()
    }

    #[test]
    fn a_line_says_what_the_event_says() {
        let ann = PrincipalId::local_user("ann").unwrap();
        let who = json!({"realm": "local:default", "kind": "user", "id": "ann"});
        let source = Some("2001:db8::1".parse().unwrap());
        let methods = vec![Method::PASSWORD, Method::ONE_TIME_CODE];
        assert_eq!(
            read(&AuditEvent::LoggedIn { principal: ann.clone(), methods, source }),
            json!({"at": 7, "name": "login", "principal": who, "methods": ["pwd", "otp"], "source": "2001:db8::1"})
        );
        let (reason, method) = (RejectionReason::Mismatch, Method::PASSWORD);
        assert_eq!(
            read(&AuditEvent::CredentialRefused { reason, method, principal: None, source: None }),
            json!({"at": 7, "name": "credential.refused", "reason": "mismatch", "method": "pwd"})
        );
        assert_eq!(
            read(&AuditEvent::CredentialChanged {
                principal: ann.clone(),
                method: Method::PASSWORD,
                epoch: AuthEpoch::new(u64::MAX)
            }),
            json!({"at": 7, "name": "credential.changed", "principal": who, "method": "pwd", "epoch": u64::MAX})
        );
        let denied = AuditEvent::AccessDenied {
            principal: ann,
            action: crate::Action::from_static("notes.read"),
            reason: crate::DenialReason::NotPermitted,
            version: Some(PolicyVersion::new(3)),
            rule: Some(RuleId::new(4)),
        };
        let denied = read(&denied);
        assert_eq!((&denied["version"], &denied["rule"]), (&json!("3"), &json!(4)));
        assert_eq!(read(&AuditEvent::PeerUnknown), json!({"at": 7, "name": "peer.unknown"}));
        assert_eq!(
            read(&AuditEvent::EventsSuppressed { event: "cross-site.refused", count: 9 }),
            json!({"at": 7, "name": "audit.suppressed", "event": "cross-site.refused", "count": 9})
        );
        let dropped = AuditEvent::EventsDropped { count: 9 };
        assert_eq!(read(&dropped), json!({"at": 7, "name": "audit.dropped", "count": 9}));
    }

    /// Whoever chooses a name of theirs must not write lines of the log.
    #[test]
    fn no_name_ends_a_string_or_a_line() {
        for bad in ["\"},{\"name\":\"login", "a\\", "a\u{85}b\u{2028}c", "ü\u{1f600}", "a\u{9b}b"] {
            let principal = PrincipalId::local_user(bad).unwrap();
            let line = read(&AuditEvent::AccountCreated { principal });
            assert_eq!(line["principal"]["id"], bad);
            assert_eq!(line["name"], "account.created");
            let change = format!("{bad}\n\0\r\t");
            let version = PolicyVersion::new(1);
            let by = PrincipalId::local_user("ann").unwrap();
            assert_eq!(
                read(&AuditEvent::PolicyChanged { by, change: change.clone(), version })["change"],
                change
            );
        }
    }
}

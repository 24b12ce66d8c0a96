//! An audit log that strangers do not fill.

use std::sync::Arc;

use auth_core::{AuditBudget, AuditEvent, AuditSink, Method, UnixTime};

/// The sorts of events that anybody can cause as often as they like, by name and what they are about.
const SORTS: [(&str, &str); 21] = [
    ("throttled", "login"),
    ("throttled", "sign-up"),
    ("throttled", "second-factor"),
    ("throttled", "link"),
    ("throttled", "mail-code"),
    ("throttled", "text-message"),
    ("throttled", "api-key"),
    ("throttled", "signed-request"),
    ("throttled", "basic"),
    ("credential.refused", "pwd"),
    ("credential.refused", "mail"),
    ("credential.refused", "mail-code"),
    ("credential.refused", "api-key"),
    ("credential.refused", "certificate"),
    (AT_AN_ACCOUNT, "mail"),
    (AT_AN_ACCOUNT, "api-key"),
    (AT_AN_ACCOUNT, "certificate"),
    (AT_AN_ACCOUNT, "basic"),
    (AT_AN_ACCOUNT, "remembered"),
    (AT_AN_ACCOUNT, "mfa"),
    ("overloaded", "hash pool"),
];

/// Credentials that are refused at an account that is known, apart from those at nobody's: neither hides the other.
const AT_AN_ACCOUNT: &str = "credential.refused at an account";

/// Behind a throttle that counts the tries at an account, so that its refusals are few.
const THROTTLED: [Method; 5] =
    [Method::PASSWORD, Method::ONE_TIME_CODE, Method::SMS, Method::RECOVERY_CODE, Method::MAIL_CODE];

/// An [`AuditSink`] in which a flood of one sort takes the place of nothing else: each sort that strangers can cause has an
/// [`AuditBudget`]. What was refused at an account that is known is written every time where a throttle counts the tries at
/// it, as with passwords and codes; the rest has budgets, for whoever has a link without its cookie, or recorded a signed
/// request, sends it as often as they like.
///
/// Clones share the budgets.
#[derive(Clone)]
pub(crate) struct BudgetedAudit {
    sink: Arc<dyn AuditSink>,
    /// One for each of [`SORTS`], and one for those of throttles that applications made.
    budgets: Arc<[AuditBudget; SORTS.len() + 1]>,
}

impl BudgetedAudit {
    pub(crate) fn new(sink: Arc<dyn AuditSink>) -> Self {
        Self { sink, budgets: Arc::new([const { AuditBudget::new() }; SORTS.len() + 1]) }
    }

    pub(crate) fn record(&self, at: UnixTime, event: &AuditEvent) {
        match self.budget(event) {
            Some(budget) => budget.record(&*self.sink, at, event),
            None => self.sink.record(at, event),
        }
    }

    fn budget(&self, event: &AuditEvent) -> Option<&AuditBudget> {
        let (name, about) = match event {
            // Whoever is over a limit asks on, also at an account that is known.
            AuditEvent::Throttled { what, .. } | AuditEvent::Overloaded { what } => (event.name(), *what),
            AuditEvent::CredentialRefused { principal: None, method, .. } => (event.name(), method.as_str()),
            AuditEvent::CredentialRefused { method, .. } if !THROTTLED.contains(method) => {
                (AT_AN_ACCOUNT, method.as_str())
            }
            _ => return None,
        };
        let sort = SORTS.iter().position(|sort| *sort == (name, about));
        self.budgets.get(sort.unwrap_or(SORTS.len()))
    }
}

#[cfg(test)]
mod tests {
    use auth_core::{MemoryCounters, Method};

    use super::*;
    use crate::throttle::Throttle;

    /// A sort that is misspelt would share the budget of applications' throttles. One that is new has to be added to both.
    #[test]
    fn the_throttles_and_the_ways_in_have_budgets_of_their_own() {
        let counters = || Arc::new(MemoryCounters::new(1));
        let throttles = [
            Throttle::login(counters()),
            Throttle::login(counters()).of_requests(),
            Throttle::sign_up(counters()),
            Throttle::second_factor(counters()),
            Throttle::links(counters()),
            Throttle::mail_codes(counters()),
            Throttle::text_messages(counters()),
            Throttle::api_keys(counters()),
        ];
        for throttle in throttles {
            assert!(SORTS.contains(&("throttled", throttle.purpose().as_str())), "{throttle:?}");
        }
        let methods =
            [Method::PASSWORD, Method::MAIL_LINK, Method::MAIL_CODE, Method::API_KEY, Method::CERTIFICATE];
        for method in methods {
            assert!(SORTS.contains(&("credential.refused", method.as_str())), "{method}");
        }
        let unthrottled = [
            Method::MAIL_LINK,
            Method::API_KEY,
            Method::CERTIFICATE,
            Method::BASIC,
            Method::REMEMBERED_DEVICE,
            Method::MULTI_FACTOR,
        ];
        for method in unthrottled {
            assert!(SORTS.contains(&(AT_AN_ACCOUNT, method.as_str())), "{method}");
        }
    }
}

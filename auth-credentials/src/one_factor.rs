//! The login policy of applications with one factor.

use auth_core::{Assurance, Judgement, LoginPolicy, Method};

/// A [`LoginPolicy`] for which a single factor is enough, at [`Assurance::Aal1`].
///
/// It names the methods that log in; any other is refused, so that a factor which is added later (a code by
/// e-mail, say) does not become a way in by itself.
///
/// ```
/// use std::sync::Arc;
/// use auth_core::LoginGate;
/// use auth_credentials::OneFactor;
///
/// let gate = LoginGate::new(Arc::new(OneFactor::password()));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OneFactor {
    methods: Vec<Method>,
}

impl OneFactor {
    /// A password is enough.
    #[must_use]
    pub fn password() -> Self {
        Self { methods: vec![Method::PASSWORD] }
    }

    /// This method is enough too.
    #[must_use]
    pub fn or(mut self, method: Method) -> Self {
        if !self.methods.contains(&method) {
            self.methods.push(method);
        }
        self
    }
}

impl LoginPolicy for OneFactor {
    fn judge(&self, passed: &[Method]) -> Judgement {
        if passed.iter().any(|method| self.methods.contains(method)) {
            Judgement::Enough(Assurance::Aal1)
        } else {
            // Nothing is missing that could make this a login: refused.
            Judgement::Missing(Vec::new())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_method_is_enough_and_any_other_is_refused() {
        let policy = OneFactor::password();
        assert_eq!(policy.judge(&[Method::PASSWORD]), Judgement::Enough(Assurance::Aal1));
        assert_eq!(policy.judge(&[Method::ONE_TIME_CODE]), Judgement::Missing(Vec::new()));
        assert_eq!(policy.judge(&[]), Judgement::Missing(Vec::new()));
        let policy = policy.or(Method::HARDWARE_KEY);
        assert_eq!(policy.judge(&[Method::HARDWARE_KEY]), Judgement::Enough(Assurance::Aal1));
    }
}

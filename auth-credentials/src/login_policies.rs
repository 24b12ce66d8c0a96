//! The policies that come with this crate.

use auth_core::{Assurance, Enrolled, FactorKind, Judgement, LoginPolicy, Method};

/// A [`LoginPolicy`] for which a single factor is enough, unless the account has a second one: then that is asked for
/// as well, whichever way in was taken.
///
/// Two factors of different kinds are [`Assurance::Aal2`], everything else [`Assurance::Aal1`]. Without further
/// methods it accepts passwords. Name only methods that may let somebody in by themselves.
///
/// A mailed code or link is a way in and no second factor, whatever else was passed.
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
    remembering: bool,
}

impl OneFactor {
    /// A password is enough.
    #[must_use]
    pub fn password() -> Self {
        Self { methods: vec![Method::PASSWORD], remembering: false }
    }

    /// This method is enough too.
    #[must_use]
    pub fn or(mut self, method: Method) -> Self {
        if !self.methods.contains(&method) {
            self.methods.push(method);
        }
        self
    }

    /// The second factor is not asked for on a device that is [remembered](crate::RememberedDevices). Such a login is
    /// [`Assurance::Aal1`], so what is guarded by
    /// [`Authenticated::at_least`](auth_core::Authenticated::at_least)`(Assurance::Aal2)` asks for the factor.
    #[must_use]
    pub fn or_remembered_device(mut self) -> Self {
        self.remembering = true;
        self
    }
}

impl LoginPolicy for OneFactor {
    fn judge(&self, passed: &[Method], enrolled: &Enrolled) -> Judgement {
        if is_multi_factor(passed) {
            return Judgement::Enough(Assurance::Aal2);
        }
        if !passed.iter().any(|method| self.methods.contains(method)) {
            // Nothing is missing that could make this a login: refused.
            return Judgement::Missing(Vec::new());
        }
        // A link that was mailed is of no kind: with a code behind it, it is a login, and not two factors.
        let holds = passed.len() > 1 && passed.iter().any(|method| enrolled.methods().contains(method));
        if enrolled.is_empty() || holds || is_remembered(passed, self.remembering) {
            return Judgement::Enough(Assurance::Aal1);
        }
        Judgement::Missing(complements(passed, enrolled.methods(), &self.methods, self.remembering))
    }
}

/// A [`LoginPolicy`] that lets nobody in with fewer than two factors of different kinds: something one knows, has, or
/// is. A password and a recovery code are two; a code of a device and a recovery code are one.
///
/// An account without a second factor cannot log in, so it has to be given one when it is made. Where people enrol by
/// themselves, say so by [`or_enrolment`](Self::or_enrolment).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TwoFactors {
    first: Vec<Method>,
    enrolment: bool,
    remembering: bool,
}

impl TwoFactors {
    /// A password, and whatever else the account has.
    #[must_use]
    pub fn required() -> Self {
        Self { first: vec![Method::PASSWORD], enrolment: false, remembering: false }
    }

    /// The same, and an account that has no second factor yet logs in at [`Assurance::Aal1`] to enrol one.
    ///
    /// Guard everything else by [`Authenticated::at_least`](auth_core::Authenticated::at_least)`(Assurance::Aal2)`.
    #[must_use]
    pub fn or_enrolment(mut self) -> Self {
        self.enrolment = true;
        self
    }

    /// The same, and on a device that is [remembered](crate::RememberedDevices) the first factor is enough, for
    /// [`Assurance::Aal1`].
    ///
    /// Guard what needs both as with [`or_enrolment`](Self::or_enrolment).
    #[must_use]
    pub fn or_remembered_device(mut self) -> Self {
        self.remembering = true;
        self
    }
}

impl LoginPolicy for TwoFactors {
    fn judge(&self, passed: &[Method], enrolled: &Enrolled) -> Judgement {
        if is_multi_factor(passed) {
            return Judgement::Enough(Assurance::Aal2);
        }
        let first = passed.iter().any(|method| self.first.contains(method));
        if enrolled.is_empty() {
            return if first && self.enrolment {
                Judgement::Enough(Assurance::Aal1)
            } else {
                Judgement::Missing(Vec::new())
            };
        }
        if !first && !passed.iter().any(|method| enrolled.methods().contains(method)) {
            return Judgement::Missing(Vec::new());
        }
        if first && is_remembered(passed, self.remembering) {
            return Judgement::Enough(Assurance::Aal1);
        }
        Judgement::Missing(complements(passed, enrolled.methods(), &self.first, self.remembering))
    }
}

/// Whether there are two factors of different kinds, or one method that is by itself more than one.
fn is_multi_factor(passed: &[Method]) -> bool {
    let mut kinds = passed.iter().filter_map(Method::kind);
    let first: Option<FactorKind> = kinds.next();
    passed.contains(&Method::MULTI_FACTOR) || kinds.any(|kind| Some(kind) != first)
}

/// Whether something was passed on a device that is remembered, and whether that counts.
fn is_remembered(passed: &[Method], counts: bool) -> bool {
    counts && passed.len() > 1 && passed.contains(&Method::REMEMBERED_DEVICE)
}

/// What would help beside what was passed: methods of other kinds, those of the account before those of the policy. A
/// remembered device, if it counts, is the last: there is nothing to ask anybody for.
fn complements(passed: &[Method], enrolled: &[Method], first: &[Method], remembering: bool) -> Vec<Method> {
    let other = |method: &&Method| {
        let kind = method.kind();
        kind.is_some() && passed.iter().all(|passed| passed.kind() != kind)
    };
    let mut missing: Vec<Method> = enrolled.iter().filter(other).cloned().collect();
    if missing.is_empty() {
        missing.extend(first.iter().filter(other).cloned());
    } else if remembering && passed.iter().any(|method| first.contains(method)) {
        missing.push(Method::REMEMBERED_DEVICE);
    }
    missing
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODES: [Method; 2] = [Method::ONE_TIME_CODE, Method::RECOVERY_CODE];
    const REFUSED: Judgement = Judgement::Missing(Vec::new());

    fn none() -> Enrolled {
        Enrolled::assertion(Vec::new())
    }

    fn codes() -> Enrolled {
        Enrolled::assertion(CODES.to_vec())
    }

    #[test]
    fn a_named_method_is_enough_and_any_other_is_refused() {
        let policy = OneFactor::password();
        assert_eq!(policy.judge(&[Method::PASSWORD], &none()), Judgement::Enough(Assurance::Aal1));
        assert_eq!(policy.judge(&[Method::ONE_TIME_CODE], &none()), REFUSED);
        assert_eq!(policy.judge(&[], &none()), REFUSED);
        let policy = policy.or(Method::HARDWARE_KEY);
        assert_eq!(policy.judge(&[Method::HARDWARE_KEY], &none()), Judgement::Enough(Assurance::Aal1));
    }

    /// A second factor is asked for on every way in, though one factor is the rule.
    #[test]
    fn a_second_factor_that_an_account_has_is_asked_for_on_every_way_in() {
        let policy = OneFactor::password().or(Method::MAIL_LINK);
        for first in [Method::PASSWORD, Method::MAIL_LINK] {
            assert_eq!(policy.judge(&[first], &codes()), Judgement::Missing(CODES.to_vec()));
        }
        for code in CODES {
            let passed = [Method::PASSWORD, code.clone()];
            assert_eq!(policy.judge(&passed, &codes()), Judgement::Enough(Assurance::Aal2));
            // Mail is no factor (NIST SP 800-63B-4 section 3.1.3.1): in, and not more than that.
            let passed = [Method::MAIL_LINK, code];
            assert_eq!(policy.judge(&passed, &codes()), Judgement::Enough(Assurance::Aal1));
        }
        // A link and a password, and no code.
        let passed = [Method::MAIL_LINK, Method::PASSWORD];
        assert_eq!(policy.judge(&passed, &codes()), Judgement::Missing(CODES.to_vec()));
    }

    /// NIST SP 800-63B-4 section 2.2: two distinct factors.
    #[test]
    fn factors_of_one_kind_are_one_factor() {
        let policy = TwoFactors::required();
        assert_eq!(policy.judge(&CODES, &codes()), Judgement::Missing(vec![Method::PASSWORD]));
        let pin = Method::from_static("pin");
        let known = policy.judge(&[Method::PASSWORD, pin], &codes());
        assert_eq!(known, Judgement::Missing(CODES.to_vec()));
        let passed = [Method::PASSWORD, Method::RECOVERY_CODE];
        assert_eq!(policy.judge(&passed, &codes()), Judgement::Enough(Assurance::Aal2));
        assert_eq!(policy.judge(&[Method::MULTI_FACTOR], &none()), Judgement::Enough(Assurance::Aal2));
    }

    /// Whoever reads the mail has one way in, by link and by code.
    #[test]
    fn a_mailed_code_is_never_a_second_factor() {
        let enrolled = Enrolled::assertion(vec![Method::MAIL_CODE]);
        for first in [Method::PASSWORD, Method::MAIL_LINK, Method::ONE_TIME_CODE] {
            let passed = [first, Method::MAIL_CODE];
            assert_ne!(TwoFactors::required().judge(&passed, &enrolled), Judgement::Enough(Assurance::Aal2));
            assert_ne!(TwoFactors::required().judge(&passed, &codes()), Judgement::Enough(Assurance::Aal1));
            let one = OneFactor::password().or(Method::MAIL_CODE);
            assert_ne!(one.judge(&passed, &none()), Judgement::Enough(Assurance::Aal2));
        }
        let one = OneFactor::password().or(Method::MAIL_CODE);
        assert_eq!(one.judge(&[Method::MAIL_CODE], &none()), Judgement::Enough(Assurance::Aal1));
        assert_eq!(one.judge(&[Method::MAIL_CODE], &codes()), Judgement::Missing(CODES.to_vec()));
        let both = [Method::PASSWORD, Method::MAIL_CODE];
        assert_eq!(one.judge(&both, &codes()), Judgement::Missing(CODES.to_vec()));
        assert_eq!(OneFactor::password().judge(&[Method::MAIL_CODE], &none()), REFUSED);
    }

    #[test]
    fn a_telephone_is_what_one_has() {
        let sms = Enrolled::assertion(vec![Method::SMS]);
        let policy = TwoFactors::required();
        assert_eq!(policy.judge(&[Method::PASSWORD], &sms), Judgement::Missing(vec![Method::SMS]));
        let passed = [Method::PASSWORD, Method::SMS];
        assert_eq!(policy.judge(&passed, &sms), Judgement::Enough(Assurance::Aal2));
        let passed = [Method::ONE_TIME_CODE, Method::SMS];
        assert_eq!(policy.judge(&passed, &codes()), Judgement::Missing(vec![Method::PASSWORD]));
    }

    /// It stands for a factor that was shown before, where a policy says so, and is none.
    #[test]
    fn a_remembered_device_counts_where_a_policy_says_so_and_is_no_factor() {
        const REMEMBERED: Method = Method::REMEMBERED_DEVICE;
        let with_password = [Method::PASSWORD, REMEMBERED];
        let wanted = Judgement::Missing([&CODES[..], &[REMEMBERED]].concat());
        let (strict, one) = (OneFactor::password(), OneFactor::password().or_remembered_device());
        assert_eq!(strict.judge(&with_password, &codes()), Judgement::Missing(CODES.to_vec()));
        assert_eq!(one.judge(&[Method::PASSWORD], &codes()), wanted);
        assert_eq!(one.judge(&with_password, &codes()), Judgement::Enough(Assurance::Aal1));
        let two = TwoFactors::required().or_remembered_device();
        let strict = TwoFactors::required();
        assert_eq!(strict.judge(&with_password, &codes()), Judgement::Missing(CODES.to_vec()));
        assert_eq!(two.judge(&[Method::PASSWORD], &codes()), wanted);
        assert_eq!(two.judge(&with_password, &codes()), Judgement::Enough(Assurance::Aal1));
        // Without a second factor there is nothing that it could stand for, and alone it is nothing.
        assert_eq!(two.judge(&with_password, &none()), REFUSED);
        for policy in [&one as &dyn LoginPolicy, &two] {
            assert_eq!(policy.judge(&[REMEMBERED], &codes()), REFUSED);
            assert_eq!(policy.judge(&[REMEMBERED, REMEMBERED], &codes()), REFUSED);
        }
        let with_device = [Method::ONE_TIME_CODE, REMEMBERED];
        assert_eq!(two.judge(&with_device, &codes()), Judgement::Missing(vec![Method::PASSWORD]));
    }

    #[test]
    fn without_a_second_factor_one_logs_in_to_enrol_it_or_not_at_all() {
        let policy = TwoFactors::required();
        assert_eq!(policy.judge(&[Method::PASSWORD], &none()), REFUSED);
        assert_eq!(policy.judge(&[Method::MAIL_LINK], &codes()), REFUSED);
        let policy = policy.or_enrolment();
        assert_eq!(policy.judge(&[Method::PASSWORD], &none()), Judgement::Enough(Assurance::Aal1));
        assert_eq!(policy.judge(&[Method::MAIL_LINK], &none()), REFUSED);
        assert_eq!(policy.judge(&[Method::PASSWORD], &codes()), Judgement::Missing(CODES.to_vec()));
    }
}

//! The form of the login page, for browsers that send neither `Sec-Fetch-Site` nor `Origin`.

use std::sync::{
    OnceLock,
    atomic::{AtomicBool, Ordering},
};

use auth_core::{EntropyError, Secret};
use auth_session::{CrossSite, CrossSiteReason, CsrfRequest, FormCookie, SetCookie};

use super::{Head, Visit};
use crate::{Auth, Refusal};

/// What a request has to do with the form of the login page, or with another that may bring a token.
pub(super) struct Form {
    /// Whether it is for the login page.
    is_login: bool,
    /// Whether it is for a path where a token counts.
    is_there: bool,
    /// Why the request would have been refused before its handler, if the form had no chance to show a token.
    waits: OnceLock<CrossSite>,
    matched: AtomicBool,
    held: Option<FormCookie>,
    new: OnceLock<FormCookie>,
}

impl Form {
    pub(super) fn of(auth: &Auth, head: &Head<'_>) -> Self {
        let is_login = head.is_for_login(auth);
        let is_there = is_login || head.is_for_form(auth);
        // Where there are other forms, any page may show one; and what logs in or out gives the browser another cookie.
        let reads = is_login || !auth.0.form_pages.is_empty() || !matches!(head.method, "GET" | "HEAD");
        let held = if reads { auth.0.forms.read(head.cookie_lines()) } else { None };
        let is_there = is_there && matches!(head.method, "GET" | "HEAD" | "POST") && !head.headers.upgrade;
        let (waits, matched, new) = (OnceLock::new(), AtomicBool::new(false), OnceLock::new());
        Self { is_login, is_there, waits, matched, held, new }
    }

    /// Lets the form reach its handler although no header speaks for it: it may have a token. Until that is shown,
    /// the session stays closed.
    pub(super) fn allows(&self, checked: Result<(), CrossSite>) -> Result<(), CrossSite> {
        match checked {
            Err(error) if self.is_there && error.reason == CrossSiteReason::NoHeaders => {
                self.waits.get_or_init(|| error);
                Ok(())
            }
            checked => checked,
        }
    }

    /// Whether the request is for the login page.
    pub(super) const fn is_login(&self) -> bool {
        self.is_login
    }

    /// Whether the session may be opened.
    pub(super) fn shown(&self) -> Result<(), CrossSite> {
        match self.waits.get() {
            Some(error) if !self.is_ours() => Err(*error),
            _ => Ok(()),
        }
    }

    /// Whether a token was shown that matches.
    pub(super) fn is_ours(&self) -> bool {
        self.matched.load(Ordering::Relaxed)
    }

    /// What takes the place of the browser's cookie, if it holds one, once a session begins or ends: tokens that were
    /// made for whoever was there before are then of no use to anybody.
    pub(super) fn successor(&self, auth: &Auth) -> Result<Option<FormCookie>, EntropyError> {
        self.held.as_ref().map(|_| auth.0.forms.new_cookie()).transpose()
    }

    /// Gives the browser this cookie, unless it gets one already.
    pub(super) fn replace(&self, successor: Option<FormCookie>) {
        if let Some(successor) = successor {
            self.new.get_or_init(|| successor);
        }
    }

    /// The header that sets the cookie that a token was made for, unless the browser holds it.
    pub(super) fn new_cookie(&self, auth: &Auth) -> Option<SetCookie> {
        self.new.get().map(|cookie| auth.0.forms.set(cookie))
    }
}

impl Visit {
    /// A token for a hidden field of the login form, so that browsers can log in that send neither
    /// `Sec-Fetch-Site` nor `Origin`. Write it with its page; the answer gets the cookie that goes with it. A login or
    /// logout replaces that cookie, and earlier tokens are stale: at the login page, and everywhere if there are other forms.
    ///
    /// The form is to be sent by POST to the path of the [login page](crate::AuthBuilder::login_page), whose
    /// handler shows the token to [`may_log_in_by`](Self::may_log_in_by), or to that of [another
    /// form](crate::AuthBuilder::form_page) and [`may_act_by`](Self::may_act_by). Elsewhere no token counts.
    ///
    /// # Errors
    /// 503 if there is no randomness.
    pub fn form_token(&self) -> Result<String, Refusal> {
        self.consult();
        let (form, forms) = (&self.0.form, &self.0.auth.0.forms);
        let token = match (form.new.get(), &form.held) {
            (Some(cookie), _) | (None, Some(cookie)) => forms.issue(cookie)?,
            (None, None) => {
                let fresh = forms.new_cookie()?;
                forms.issue(form.new.get_or_init(|| fresh))?
            }
        };
        Ok(text(&token))
    }

    /// As [`may_log_in`](Self::may_log_in), for a form that brings the [token](Self::form_token) of its page. A
    /// token stands in where both headers are absent, and outweighs none that speaks against the request.
    ///
    /// # Errors
    /// As [`may_log_in`](Self::may_log_in).
    pub fn may_log_in_by(&self, token: Option<&str>) -> Result<(), Refusal> {
        self.may_act_by(token)
    }

    /// The same for a form that does something else, such as [logging out](Self::log_out): before that, and before the
    /// session is asked for anything.
    ///
    /// # Errors
    /// As [`may_log_in`](Self::may_log_in).
    pub fn may_act_by(&self, token: Option<&str>) -> Result<(), Refusal> {
        self.consult();
        let (form, auth) = (&self.0.form, &self.0.auth.0);
        if let (Err(error), true, Some(held), Some(token)) =
            (self.0.may_log_in, form.is_there, &form.held, token)
            && error.reason == CrossSiteReason::NoHeaders
        {
            let matched = auth.forms.check(held, token.as_bytes());
            // That reason says that there is neither header.
            let request = CsrfRequest::new("POST", &[], &[]).begins_session(true).token(matched);
            form.matched.store(auth.csrf.check(&request).is_ok(), Ordering::Relaxed);
        }
        self.may_log_in()
    }
}

fn text(token: &Secret) -> String {
    String::from_utf8_lossy(token.expose()).into_owned()
}

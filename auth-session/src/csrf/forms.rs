//! Tokens for forms of people who have no session yet, such as the login form.

use std::{fmt, sync::Arc};

use auth_core::{Entropy, EntropyError, Secret, entropy_array};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{CsrfTokens, TokenMatched};
use crate::{
    cookie::{CookieName, CookieTemplate, SetCookie},
    sessions::Sessions,
};

/// Tokens for forms that begin a session, each bound to a cookie of its own. Made by [`Sessions::form_tokens`].
///
/// The page with the form gets a [`FormCookie`] and a [token](Self::issue) that goes with it; the request of the
/// form brings both. Another site can set neither: `__Host-form` is set by this host alone. (A browser that knows
/// neither prefix nor headers takes a cookie from a sibling host. Nothing helps it but having no such sibling.)
///
/// A token is right for as long as the browser holds its cookie, whoever is logged in. Set [a new one](Self::new_cookie)
/// when somebody logs in or out, as `auth-web` does, and no token that one person has seen acts for the next.
#[derive(Clone)]
pub struct FormTokens {
    tokens: CsrfTokens,
    cookie: CookieTemplate,
    entropy: Arc<dyn Entropy>,
}

/// What a browser holds so that a form's token can be told to be its own.
#[derive(Debug, Clone)]
pub struct FormCookie(Secret);

impl FormCookie {
    /// Length of its value, in bytes of visible ASCII: 128 random bits.
    pub const TEXT_LEN: usize = 22;
}

impl Sessions {
    /// Tokens for forms, under the keys and beside the cookie of these sessions.
    #[must_use]
    pub fn form_tokens(&self) -> FormTokens {
        let engine = self.engine();
        FormTokens {
            tokens: CsrfTokens::new(Arc::clone(&engine.keys)),
            cookie: engine.policy.cookie().of_forms(),
            entropy: Arc::clone(&engine.entropy),
        }
    }
}

impl FormTokens {
    /// The cookie in the `Cookie` lines of a request. One that is there twice, or that is not of our form, is none.
    #[must_use]
    pub fn read<'a>(
        &self,
        cookie_lines: impl IntoIterator<Item = &'a [u8], IntoIter: Clone>,
    ) -> Option<FormCookie> {
        let value = self.cookie.name().find_in(cookie_lines).ok()??;
        let ours = value.len() == FormCookie::TEXT_LEN
            && value.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        ours.then(|| FormCookie(Secret::new(value.to_vec())))
    }

    /// The name of the cookie.
    #[must_use]
    pub fn cookie_name(&self) -> &CookieName {
        self.cookie.name()
    }

    /// A cookie for a browser that holds none.
    ///
    /// # Errors
    /// [`EntropyError`].
    pub fn new_cookie(&self) -> Result<FormCookie, EntropyError> {
        let random: [u8; 16] = entropy_array(&*self.entropy)?;
        Ok(FormCookie(Secret::from(URL_SAFE_NO_PAD.encode(random))))
    }

    /// The header that gives the browser this cookie, until it is closed.
    #[must_use]
    pub fn set(&self, cookie: &FormCookie) -> SetCookie {
        self.cookie.render(&String::from_utf8_lossy(cookie.0.expose()), None)
    }

    /// A token for a form of the browser that holds `cookie`. It looks different each time.
    ///
    /// # Errors
    /// [`EntropyError`].
    pub fn issue(&self, cookie: &FormCookie) -> Result<Secret, EntropyError> {
        self.tokens.issue(cookie.0.expose(), &*self.entropy)
    }

    /// Whether `token` was issued for the browser that holds `cookie`.
    #[must_use]
    pub fn check(&self, cookie: &FormCookie, token: &[u8]) -> Option<TokenMatched> {
        self.tokens.check(cookie.0.expose(), token)
    }
}

impl fmt::Debug for FormTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FormTokens").field("cookie", &self.cookie).finish_non_exhaustive()
    }
}

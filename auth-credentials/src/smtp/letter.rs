//! What a message looks like as mail.

use std::{error::Error, fmt, time::SystemTime};

use auth_core::UnixTime;
use lettre::{
    Address, Message as Form,
    message::{
        Mailbox,
        header::{ContentType, HeaderName, HeaderValue, MIME_VERSION_1_0},
    },
};
use zeroize::Zeroizing;

use crate::links::{address::MailAddress, message::Message};

/// Says what a message looks like as mail: in which language, under whose name.
///
/// It is asked by [`SmtpDelivery`](crate::SmtpDelivery), once for each message, and not while a request is handled. Put
/// nothing in that a stranger chose, such as the name that somebody signed up with: whoever signs up with your address
/// would have you read it in a letter of ours.
///
/// A closure is one:
///
/// ```
/// use auth_credentials::{Letter, LetterError, LetterWriter, Message, Notice};
///
/// let german = |message: &Message| match &message.notice {
///     Notice::ResetPassword(link) => {
///         Letter::new("Neues Passwort", format!("Der Link gilt eine halbe Stunde:\n\n{}\n", link.expose()))
///     }
///     _ => Letter::english(&message.notice),
/// };
/// # fn takes(_: impl LetterWriter) {}
/// # takes(german);
/// ```
pub trait LetterWriter: Send + Sync {
    /// Subject and text of a message, with its link or code.
    ///
    /// # Errors
    /// [`LetterError`]; the message is then lost, and written down as such.
    fn write(&self, message: &Message) -> Result<Letter, LetterError>;
}

impl<F: Fn(&Message) -> Result<Letter, LetterError> + Send + Sync> LetterWriter for F {
    fn write(&self, message: &Message) -> Result<Letter, LetterError> {
        self(message)
    }
}

/// Subject and plain text of one mail. Redacted in `Debug`, and wiped on drop.
pub struct Letter {
    subject: Box<str>,
    text: Zeroizing<String>,
}

/// Not a letter.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LetterError {
    /// The subject is empty, longer than [`Letter::MAX_SUBJECT_LEN`], or has a line break or another control character,
    /// which would begin a header of its own.
    #[error("subject is empty, too long, or has control characters")]
    Subject,
    /// The text is empty, longer than [`Letter::MAX_TEXT_LEN`], or has control characters that are neither line breaks
    /// nor tabs.
    #[error("text is empty, too long, or has control characters")]
    Text,
    /// The name of a sender is longer than [`MailSender::MAX_NAME_LEN`], or has control characters.
    #[error("name of the sender is too long, or has control characters")]
    Name,
    /// An address that mail cannot be addressed to.
    #[error("address is none for mail")]
    Address,
    /// There are no random bytes for a `Message-ID`.
    #[error("no entropy for a message id")]
    Entropy(#[from] auth_core::EntropyError),
    /// What writes letters failed.
    #[error("letter cannot be written")]
    Unwritten(#[source] Box<dyn Error + Send + Sync>),
}

impl Letter {
    /// Most bytes of a subject: 256.
    pub const MAX_SUBJECT_LEN: usize = 256;
    /// Most bytes of a text: 64 KiB.
    pub const MAX_TEXT_LEN: usize = 64 * 1024;

    /// A letter with this subject and text. Lines of the text end with LF or CR LF.
    ///
    /// # Errors
    /// [`LetterError::Subject`], [`LetterError::Text`].
    pub fn new(subject: &str, text: String) -> Result<Self, LetterError> {
        let text = Zeroizing::new(text);
        if subject.trim().is_empty() || subject.len() > Self::MAX_SUBJECT_LEN || !is_one_line(subject) {
            return Err(LetterError::Subject);
        }
        // A carriage return alone ends a line for some programs and for others not.
        let lines = Zeroizing::new(text.replace("\r\n", "\n"));
        let plain = |c: char| matches!(c, '\n' | '\t') || !c.is_control();
        if lines.trim().is_empty() || lines.len() > Self::MAX_TEXT_LEN || !lines.chars().all(plain) {
            return Err(LetterError::Text);
        }
        Ok(Self { subject: subject.into(), text: lines })
    }

    /// The words of [`Notice`](crate::Notice), with the link or code below them.
    ///
    /// # Errors
    /// None in practice; as [`new`](Self::new).
    pub fn english(notice: &crate::Notice) -> Result<Self, LetterError> {
        let mut text = Zeroizing::new(String::with_capacity(2_048));
        let secret = notice.link().map(crate::Link::expose).or(notice.code().map(crate::SentCode::expose));
        for part in [Some(notice.text()), secret].into_iter().flatten() {
            text.push_str(part);
            text.push_str("\n\n");
        }
        Self::new(notice.subject(), text.trim_end().to_owned())
    }
}

impl fmt::Debug for Letter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Letter").field("subject", &self.subject).finish_non_exhaustive()
    }
}

/// Whom mail is from.
#[derive(Debug, Clone)]
pub struct MailSender(Mailbox);

impl MailSender {
    /// Most bytes of a name: 128.
    pub const MAX_NAME_LEN: usize = 128;

    /// This name, which may be empty, and this address; it gets what cannot be delivered, too.
    ///
    /// # Errors
    /// [`LetterError::Name`], [`LetterError::Address`].
    pub fn new(name: &str, address: &MailAddress) -> Result<Self, LetterError> {
        if name.len() > Self::MAX_NAME_LEN || !is_one_line(name) {
            return Err(LetterError::Name);
        }
        let name = (!name.trim().is_empty()).then(|| name.trim().to_owned());
        Ok(Self(Mailbox::new(name, to_address(address)?)))
    }

    /// The domain of the address: how we introduce ourselves to a relay.
    pub(super) fn domain(&self) -> &str {
        self.0.email.domain()
    }

    /// A letter as it goes over the wire. `id` makes it one and the same, however often it is sent.
    pub(super) fn mail(
        &self,
        to: &MailAddress,
        letter: Letter,
        at: UnixTime,
        id: u128,
    ) -> Result<Mail, LetterError> {
        let to = to_address(to)?;
        let date = SystemTime::UNIX_EPOCH.checked_add(at.since(UnixTime::EPOCH));
        let form = Form::builder()
            .from(self.0.clone())
            .to(Mailbox::new(None, to.clone()))
            .subject(letter.subject)
            .date(date.unwrap_or(SystemTime::UNIX_EPOCH))
            .message_id(Some(format!("<{id:032x}@{}>", self.domain())))
            // RFC 3834 section 5: nobody's holiday notice answers it.
            .raw_header(HeaderValue::new(
                HeaderName::new_from_ascii_str("Auto-Submitted"),
                "auto-generated".to_owned(),
            ))
            .header(MIME_VERSION_1_0)
            .header(ContentType::TEXT_PLAIN)
            .body(letter.text.to_string())
            .map_err(|_| LetterError::Address)?;
        Ok(Mail { from: self.0.email.clone(), to, bytes: Zeroizing::new(form.formatted()) })
    }
}

/// A mail that is ready to be sent.
pub(super) struct Mail {
    pub(super) from: Address,
    pub(super) to: Address,
    pub(super) bytes: Zeroizing<Vec<u8>>,
}

fn to_address(address: &MailAddress) -> Result<Address, LetterError> {
    address.as_str().parse().map_err(|_| LetterError::Address)
}

/// Line and paragraph separators are no control characters, and line breaks all the same.
fn is_one_line(text: &str) -> bool {
    !text.chars().any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sender(name: &str) -> MailSender {
        MailSender::new(name, &MailAddress::canonical("no-reply@app.example").unwrap()).unwrap()
    }

    fn written(name: &str, subject: &str, text: &str) -> String {
        let to = MailAddress::canonical("o'neil+x@xn--bcher-kva.example").unwrap();
        let letter = Letter::new(subject, text.to_owned()).unwrap();
        let mail = sender(name).mail(&to, letter, UnixTime::from_secs(1_800_000_000), 7).unwrap();
        assert_eq!(mail.to.to_string(), to.as_str());
        String::from_utf8(mail.bytes.to_vec()).unwrap()
    }

    #[test]
    fn a_mail_has_the_headers_that_it_needs_and_no_other() {
        let mail = written("Acme", "Hello", "one\r\n.\ntwo");
        let (head, body) = mail.split_once("\r\n\r\n").unwrap();
        let mut lines: Vec<_> = head.lines().collect();
        lines.sort_unstable();
        assert_eq!(
            lines,
            [
                "Auto-Submitted: auto-generated",
                "Content-Transfer-Encoding: 7bit",
                "Content-Type: text/plain; charset=utf-8",
                "Date: Fri, 15 Jan 2027 08:00:00 +0000",
                "From: Acme <no-reply@app.example>",
                "MIME-Version: 1.0",
                "Message-ID: <00000000000000000000000000000007@app.example>",
                "Subject: Hello",
                "To: o'neil+x@xn--bcher-kva.example",
            ]
        );
        assert_eq!(body, "one\r\n.\r\ntwo");
    }

    /// RFC 2047: headers are ASCII in lines of 76, whatever the language.
    #[test]
    fn names_and_subjects_are_of_any_language() {
        let mail = written("Bücher & Söhne", &"Пароль изменён ".repeat(9), "Grüße, 世界");
        assert!(mail.is_ascii() && mail.lines().all(|line| line.len() <= 998), "{mail}");
        assert!(mail.contains("=?utf-8?b?"), "{mail}");
    }

    /// CWE-93: a line break in a header begins another one, such as `Bcc:`.
    #[test]
    fn no_header_is_begun_by_a_line_break() {
        for bad in
            ["a\r\nBcc: b@c", "a\nb", "a\rb", "a\0", "a\u{85}b", "a\u{2028}b", "", "  ", &"a".repeat(257)]
        {
            assert!(matches!(Letter::new(bad, "text".to_owned()), Err(LetterError::Subject)), "{bad:?}");
        }
        let address = MailAddress::canonical("a@b.example").unwrap();
        for bad in ["a\r\nBcc: b@c", "a\nb", "a\rb", "a\0", "a\u{2029}b", &"a".repeat(129)] {
            assert!(matches!(MailSender::new(bad, &address), Err(LetterError::Name)), "{bad:?}");
        }
        for bad in ["", " \n", "a\rb", "a\0b", "a\u{1b}[2J", &"a".repeat(Letter::MAX_TEXT_LEN + 1)] {
            assert!(matches!(Letter::new("a", bad.to_owned()), Err(LetterError::Text)), "{bad:?}");
        }
    }

    /// A name that looks like an address is encoded, and stays a name.
    #[test]
    fn a_name_adds_no_address() {
        let mail = written("Ann <ann@evil.example>, \"Bob\"", "Hello", "text");
        let from = mail.lines().find(|line| line.starts_with("From: ")).unwrap();
        assert!(from.ends_with(" <no-reply@app.example>") && from.matches('@').count() == 1, "{from}");
    }

    /// What may be an address here is one to those who send it, so that nobody waits for mail in vain.
    #[test]
    fn each_address_can_be_sent_to() {
        for good in ["ann@example.com", "a!#$%&'*+-/=?^_`{|}~.b@c.example", "a@localhost", "a@1.example"] {
            assert!(to_address(&MailAddress::canonical(good).unwrap()).is_ok(), "{good}");
        }
    }

    #[test]
    fn a_letter_does_not_show_its_text() {
        assert!(!format!("{:?}", Letter::new("Hello", "secret".to_owned()).unwrap()).contains("secret"));
    }
}

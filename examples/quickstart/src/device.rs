//! What a client is called in the list of devices.

use auth_web::core::ClientLabel;
use axum::http::{HeaderMap, header};

/// In this order: most browsers say that they are some of the others, too.
const BROWSERS: [(&str, &str); 5] = [
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
];
const SYSTEMS: [(&str, &str); 7] = [
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
];

/// `Firefox on Linux`, or the name of a program, by the `User-Agent`. Coarse: enough for people to tell whether it
/// was them. Anybody can send what they like, so nothing is decided by it.
pub fn label(headers: &HeaderMap) -> Option<ClientLabel> {
    let agent = headers.get(header::USER_AGENT)?.to_str().ok()?;
    let named = |names: &[(&str, &'static str)]| {
        names.iter().find(|(sign, _)| agent.contains(sign)).map(|(_, name)| *name)
    };
    let label = match (named(&BROWSERS), named(&SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser.to_owned(),
        (None, Some(system)) => format!("A browser on {system}"),
        // `curl/8.14.1`: a program that says its name.
        (None, None) => agent.split(['/', ' ']).next()?.chars().take(32).collect(),
    };
    ClientLabel::parse(&label).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn label_of(agent: &[u8]) -> Option<String> {
        let agent = HeaderValue::from_bytes(agent).unwrap();
        label(&HeaderMap::from_iter([(header::USER_AGENT, agent)])).map(|label| label.to_string())
    }

    #[test]
    fn a_client_is_called_what_people_call_it() {
        for (agent, label) in [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36",
                "Chrome on Android",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
                "Safari on iPhone",
            ),
            ("curl/8.14.1", "curl"),
            ("backup", "backup"),
        ] {
            assert_eq!(label_of(agent.as_bytes()).as_deref(), Some(label), "{agent}");
        }
    }

    /// The header is a stranger's: it is long, empty or no text, and never an error.
    #[test]
    fn what_says_nothing_has_no_label_and_none_is_long() {
        assert_eq!(label(&HeaderMap::new()), None);
        for nothing in [&b""[..], b"/1.0", b"\xff\xfe"] {
            assert_eq!(label_of(nothing), None, "{nothing:?}");
        }
        assert_eq!(label_of(&[b'x'; 10_000]), Some("x".repeat(32)));
    }
}

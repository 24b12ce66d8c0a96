//! A look at a token that nobody has vouched for.

use auth_jwt::UnverifiedToken;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

/// What is in a compact token, with a warning on every line: none of it is true because it is written there.
///
/// # Errors
/// If it is not a compact JWS that a verifier would look at.
pub(crate) fn text(token: &str) -> Result<String, String> {
    let parsed = UnverifiedToken::parse(token).map_err(|error| error.to_string())?;
    let mut lines = vec![format!("alg {}", parsed.alg())];
    lines.extend(parsed.kid().map(|kid| format!("kid {kid}")));
    for (name, segment) in ["header", "payload"].into_iter().zip(token.split('.')) {
        // Only the library's readers are strict; this is for eyes.
        let bytes = URL_SAFE_NO_PAD.decode(segment).map_err(|_| format!("{name} is not base64url"))?;
        lines.push(format!("{name} {}", String::from_utf8_lossy(&bytes)));
    }
    // The names come from the token too, so all of a line is looked at.
    let shown = |line: &String| format!("UNVERIFIED {}\n", line.chars().map(shown).collect::<String>());
    Ok(lines.iter().map(shown).collect())
}

/// Control characters, those that change the direction of text included, would let a token write on the
/// terminal what it likes.
fn shown(character: char) -> char {
    let is_format = matches!(
        character,
        '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            | '\u{e0000}'..='\u{e007f}'
    );
    if character.is_control() || is_format { '\u{fffd}' } else { character }
}

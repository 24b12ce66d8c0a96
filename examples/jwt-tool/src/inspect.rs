//! A look at a token that nobody has vouched for.

use auth_jwt::UnverifiedToken;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

/// What is in a compact token, with a warning on every line: none of it is true because it is written there. A token
/// that no verifier would look at is shown too, behind the reason for that.
///
/// # Errors
/// If it does not have three segments.
pub(crate) fn text(token: &str) -> Result<String, String> {
    if token.split('.').count() != 3 {
        return Err("a compact token has three segments".to_owned());
    }
    let mut lines = match UnverifiedToken::parse(token) {
        Ok(parsed) => {
            let kid = parsed.kid().map(|kid| format!("kid {kid}"));
            [Some(format!("alg {}", parsed.alg())), kid].into_iter().flatten().collect()
        }
        Err(error) => vec![format!("refused {error}")],
    };
    for (name, segment) in ["header", "payload"].into_iter().zip(token.split('.')) {
        // Only the library's readers are strict; this is for eyes.
        let bytes = URL_SAFE_NO_PAD.decode(segment);
        let shown = bytes.as_deref().map_or("is not base64url".into(), String::from_utf8_lossy);
        lines.push(format!("{name} {shown}"));
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

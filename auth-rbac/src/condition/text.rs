//! Text between quotation marks.

use std::fmt::{self, Write as _};

use super::pattern::Pattern;

/// Characters that nobody sees, or that turn around what is seen: in a condition, they are written `\u{..}` only.
pub(super) fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

const HIDDEN: &str = "a character that cannot be seen is written `\\u{..}`";
const ESCAPE: &str = "a backslash stands before `\"`, `\\`, `n`, `r`, `t` or `u{..}`";

/// What stands between quotation marks, and means. Of a pattern, what its stars and backslashes mean is left to it.
pub(super) fn unescape(raw: &str, pattern: bool) -> Result<String, &'static str> {
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw.chars();
    while let Some(character) = rest.next() {
        if character != '\\' {
            if is_hidden(character) {
                return Err(HIDDEN);
            }
            text.push(character);
            continue;
        }
        let meant = match rest.next() {
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('"') => '"',
            Some('\\') => '\\',
            Some('*') if pattern => '*',
            Some('u') => {
                let digits =
                    rest.as_str().strip_prefix('{').and_then(|hex| hex.split_once('}')).map(|(hex, _)| hex);
                let digits = digits
                    .filter(|hex| (1..=6).contains(&hex.len()) && !hex.starts_with('+'))
                    .ok_or(ESCAPE)?;
                // The digits, and the braces around them.
                for _ in 0..digits.len().saturating_add(2) {
                    rest.next();
                }
                u32::from_str_radix(digits, 16).ok().and_then(char::from_u32).ok_or(ESCAPE)?
            }
            _ => return Err(ESCAPE),
        };
        if pattern && matches!(meant, '*' | '\\') {
            text.push('\\');
        }
        text.push(meant);
    }
    Ok(text)
}

fn escape(f: &mut impl fmt::Write, character: char) -> fmt::Result {
    match character {
        '\n' => f.write_str("\\n"),
        '\r' => f.write_str("\\r"),
        '\t' => f.write_str("\\t"),
        '"' => f.write_str("\\\""),
        hidden if is_hidden(hidden) => write!(f, "\\u{{{:x}}}", u32::from(hidden)),
        seen => f.write_char(seen),
    }
}

/// Writes a text between quotation marks.
pub(super) fn quote(text: &str, f: &mut impl fmt::Write) -> fmt::Result {
    f.write_char('"')?;
    for character in text.chars() {
        if character == '\\' {
            f.write_str("\\\\")?;
        } else {
            escape(f, character)?;
        }
    }
    f.write_char('"')
}

/// Writes a pattern between quotation marks.
pub(super) fn quote_pattern(pattern: &Pattern, f: &mut String) -> fmt::Result {
    f.write_char('"')?;
    for character in pattern.to_string().chars() {
        escape(f, character)?;
    }
    f.write_char('"')
}

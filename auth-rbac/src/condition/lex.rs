//! From characters to the words and signs of a condition.

use winnow::{
    Parser as _,
    combinator::{alt, delimited, opt, preceded, repeat},
    error::EmptyError,
    token::{any, none_of, one_of, take_while},
};

use super::error::{ConditionProblem, Span};

/// A word or a sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'t> {
    Word(&'t str),
    Integer(&'t str),
    Decimal(&'t str),
    Duration(&'t str),
    /// What stands between quotation marks, as it stands there.
    Text(&'t str),
    Sign(&'static str),
    End,
}

/// Longer signs before those that they begin with.
const SIGNS: [&str; 23] = [
    "==", "!=", "<=", ">=", "&&", "||", "..=", "..", "<", ">", "!", "(", ")", "[", "]", ",", ".", ":", "+",
    "-", "*", "=", "&",
];

/// All tokens with their places, an end behind them.
pub(super) fn tokens(text: &str) -> Result<Vec<(Token<'_>, Span)>, (ConditionProblem, Span)> {
    let mut tokens = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches([' ', '\t', '\n', '\r']);
        let start = text.len().saturating_sub(rest.len());
        if rest.is_empty() {
            tokens.push((Token::End, Span { start, end: start }));
            return Ok(tokens);
        }
        let token = token(&mut rest);
        let end = text.len().saturating_sub(rest.len());
        match token {
            Ok(token) => tokens.push((token, Span { start, end })),
            Err(EmptyError) => return Err(unknown(text, start)),
        }
    }
}

fn unknown(text: &str, start: usize) -> (ConditionProblem, Span) {
    let character = text.get(start..).and_then(|rest| rest.chars().next()).unwrap_or_default();
    let span = Span { start, end: start.saturating_add(character.len_utf8()) };
    let (expected, hint) = match character {
        '"' => ("a text between quotation marks", Some("it does not end")),
        '\'' => ("a text between quotation marks", Some("they are `\"`")),
        '|' => ("an operator", Some("disjunction is written `||`")),
        _ => ("a word, a sign, a number or a text", None),
    };
    let found = if super::text::is_hidden(character) {
        format!("the character U+{:04X}", u32::from(character))
    } else {
        format!("`{character}`")
    };
    (ConditionProblem::Unexpected { expected, found: found.into(), hint }, span)
}

fn token<'t>(rest: &mut &'t str) -> Result<Token<'t>, EmptyError> {
    alt((text, number, word, sign)).parse_next(rest)
}

fn text<'t>(rest: &mut &'t str) -> Result<Token<'t>, EmptyError> {
    let escaped = preceded('\\', any).void();
    let inside = repeat::<_, _, (), _, _>(0.., alt((none_of(['"', '\\']).void(), escaped)));
    delimited('"', inside.take(), '"').map(Token::Text).parse_next(rest)
}

fn digits<'t>(rest: &mut &'t str) -> Result<&'t str, EmptyError> {
    take_while(1.., |c: char| c.is_ascii_digit()).parse_next(rest)
}

/// `17`, `17.50` or `1h30m`; in `9..17`, the point is not of the number.
fn number<'t>(rest: &mut &'t str) -> Result<Token<'t>, EmptyError> {
    alt((
        (digits, '.', digits, tail).take().map(Token::Decimal),
        (digits, one_of(|c: char| c.is_ascii_alphabetic() || c == '_'), tail).take().map(Token::Duration),
        digits.map(Token::Integer),
    ))
    .parse_next(rest)
}

fn tail<'t>(rest: &mut &'t str) -> Result<&'t str, EmptyError> {
    take_while(0.., |c: char| c.is_ascii_alphanumeric() || c == '_').parse_next(rest)
}

fn word<'t>(rest: &mut &'t str) -> Result<Token<'t>, EmptyError> {
    let first = one_of(|c: char| c.is_ascii_alphabetic() || c == '_');
    let more = opt(take_while(1.., |c: char| c.is_ascii_alphanumeric() || c == '_'));
    (first, more).take().map(Token::Word).parse_next(rest)
}

fn sign<'t>(rest: &mut &'t str) -> Result<Token<'t>, EmptyError> {
    let (sign, after) =
        SIGNS.into_iter().find_map(|sign| Some((sign, rest.strip_prefix(sign)?))).ok_or(EmptyError)?;
    *rest = after;
    Ok(Token::Sign(sign))
}

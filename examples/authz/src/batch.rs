//! Requests in, answers out: one JSON object a line, in order. A line that makes no sense is answered like any other,
//! and is never the end. Only a line of nothing but white space has no answer.
//!
//! An answer is `{"id": .., "decision": "allow" | "deny" | "error", "reason": ..}`.

use std::io::{self, BufRead, Read, Write};

use auth_rbac::Policy;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::request::Form;

/// The longest line that is looked at. What is longer is read over, and answered with an error.
const MAX_LINE: u64 = 1024 * 1024;

/// The only part that is wanted of a line whose rest makes no sense.
#[derive(Deserialize)]
struct Id<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
}

#[derive(Serialize)]
struct Line<'a> {
    id: Option<&'a RawValue>,
    decision: &'static str,
    reason: String,
}

/// Answers every line of `input` that is not blank.
///
/// # Errors
/// If reading or writing fails; nothing else ends it.
pub(crate) fn run(policy: &Policy, mut input: impl BufRead, mut output: impl Write) -> io::Result<()> {
    let mut line = Vec::new();
    while next(&mut input, &mut line)? {
        let is_whole = line.last() == Some(&b'\n') || (line.len() as u64) < MAX_LINE;
        let text = std::str::from_utf8(&line).ok().filter(|_| is_whole).map(str::trim);
        if text == Some("") {
            continue;
        }
        serde_json::to_writer(&mut output, &answer(policy, text))?;
        output.write_all(b"\n")?;
        output.flush()?;
    }
    output.flush()
}

/// Reads a line, or its beginning if it is too long; `false` at the end.
pub(crate) fn next(input: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    if input.by_ref().take(MAX_LINE).read_until(b'\n', line)? == 0 {
        return Ok(false);
    }
    if line.last() != Some(&b'\n') && line.len() as u64 == MAX_LINE {
        input.skip_until(b'\n')?;
    }
    Ok(true)
}

fn answer<'a>(policy: &Policy, line: Option<&'a str>) -> Line<'a> {
    let error = |id, reason| Line { id, decision: "error", reason };
    let Some(line) = line else {
        return error(None, "request: not a line of text of at most a mebibyte".to_owned());
    };
    let id = serde_json::from_str(line).ok().and_then(|Id { id }| id);
    let form = serde_json::from_str::<Form>(line).map_err(|error| format!("request: {error}"));
    match form.and_then(|form| form.question(policy)).and_then(|question| question.ask(policy)) {
        Ok(answer) => Line { id, decision: answer.decision, reason: answer.reason },
        Err(reason) => error(id, reason),
    }
}

//! How long the checks of a policy take on this machine, asked as a door asks: limits first.

use std::{
    hint::black_box,
    io::BufRead,
    time::{Duration, Instant},
};

use auth_core::{AuthorizerExt, Refusal};
use auth_rbac::Policy;

use crate::{
    batch,
    commands::Failure,
    request::{Form, Question},
};

/// Asks the requests on `input` again and again, for about `time` in all, and prints what one takes.
pub(crate) fn run(policy: &Policy, mut input: impl BufRead, time: Duration) -> Result<(), Failure> {
    let mut questions: Vec<Question> = Vec::new();
    let mut line = Vec::new();
    while batch::next(&mut input, &mut line)? {
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        questions.push(serde_json::from_slice::<Form>(&line)?.question(policy)?);
    }
    if questions.is_empty() {
        return Err("there is no request on standard input".into());
    }
    let mut allowed = 0_u64;
    let mut rounds: Vec<u128> = Vec::new();
    let begin = Instant::now();
    while begin.elapsed() < time || rounds.is_empty() {
        let round = Instant::now();
        for question in &questions {
            let asked = question.with(|request| black_box(policy).require_with(request, &mut |_| true));
            if let Err(error @ Refusal::Unavailable(_)) = asked {
                return Err(error.into());
            }
            allowed = allowed.wrapping_add(u64::from(asked.is_ok()));
        }
        rounds.push(round.elapsed().as_nanos());
    }
    rounds.sort_unstable();
    let count = questions.len() as u128;
    let of =
        |place: usize| rounds.get(place).copied().unwrap_or_default().checked_div(count).unwrap_or_default();
    let last = rounds.len().saturating_sub(1);
    println!("requests: {count}, allowed: {}", allowed.checked_div(rounds.len() as u64).unwrap_or_default());
    println!("per check: median {} ns, least {} ns, rounds {}", of(last / 2), of(0), rounds.len());
    println!("roles and lists: {} bytes", policy.size_in_bytes());
    Ok(())
}

//! The rows of `jwt` that are compared with one another, by turns: a fraction of a millisecond of each, again and again,
//! so that what else the machine does hits them alike. Prints what each takes at least and in the median, the median of
//! the turns' own ratios, and, where ours has several rows, that of their differences from the first.
//!
//! An argument picks the groups whose name has it in it: `-- sign`.

use std::time::{Duration, Instant};

mod asymmetric;
mod cached;
mod fixture;
mod ours;
#[cfg(feature = "peers")]
mod peers;

use fixture::Row;

/// How long one turn of one row takes, about.
const TURN: Duration = Duration::from_micros(150);
/// How long a group is measured.
const GROUP: Duration = Duration::from_secs(2);

/// A row, and how many nanoseconds a call of it took in each turn.
struct Measured {
    row: Row,
    calls: u32,
    turns: Vec<f64>,
}

impl Measured {
    fn new(mut row: Row) -> Self {
        // What is kept from the first call on is no cost of each.
        (row.run)();
        let start = Instant::now();
        (row.run)();
        let once = start.elapsed().max(Duration::from_nanos(10));
        let calls = TURN.as_nanos().div_euclid(once.as_nanos()).clamp(1, 10_000);
        Self { row, calls: calls as u32, turns: Vec::new() }
    }

    fn turn(&mut self) {
        let start = Instant::now();
        for _ in 0..self.calls {
            (self.row.run)();
        }
        self.turns.push(start.elapsed().as_nanos() as f64 / f64::from(self.calls));
    }

    fn is_ours(&self) -> bool {
        self.row.name.ends_with("/ours")
    }
}

fn main() {
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let mut groups: Vec<(String, Vec<Measured>)> = Vec::new();
    for row in fixture::rows() {
        let group = group(&row.name);
        if wanted.as_ref().is_some_and(|wanted| !group.contains(wanted.as_str())) {
            continue;
        }
        match groups.iter_mut().find(|(name, _)| *name == group) {
            Some((_, rows)) => rows.push(Measured::new(row)),
            None => groups.push((group, vec![Measured::new(row)])),
        }
    }
    for (_, rows) in &mut groups {
        let start = Instant::now();
        loop {
            rows.iter_mut().for_each(Measured::turn);
            if !auth_benches::is_measuring() || start.elapsed() > GROUP {
                break;
            }
        }
        print(rows);
    }
}

/// Rows that are compared: those of one case, those that verify one and the same token in another way, and those that do
/// so with more keys.
fn group(name: &str) -> String {
    let case = name.rsplit_once('/').map_or(name, |(case, _)| case);
    match case.strip_prefix("jwt/").unwrap_or(case) {
        "verify" | "verify-borrowed" | "verify-own-claims" | "verify-own-claims-borrowed" => {
            "verify-owned".to_owned()
        }
        "verify-one-of-1-keys" | "verify-one-of-16-keys" => "verify-one-of-keys".to_owned(),
        case => case.to_owned(),
    }
}

fn print(rows: &[Measured]) {
    for one in rows {
        let least = one.turns.iter().copied().fold(f64::INFINITY, f64::min);
        println!(
            "{:44} {:>12} {:>12}",
            one.row.name,
            nanoseconds(least),
            nanoseconds(median(one.turns.clone()))
        );
    }
    for one in ours(rows) {
        for other in rows.iter().filter(|other| !other.is_ours()) {
            let ratios = one.turns.iter().zip(&other.turns).map(|(one, other)| one / other).collect();
            println!("{:44} {:>12.2} x {}", one.row.name, median(ratios), other.row.name);
        }
    }
    if let Some((first, more)) = ours(rows).split_first() {
        for one in more {
            let differences = one.turns.iter().zip(&first.turns).map(|(one, first)| one - first).collect();
            println!("{:44} {:>+9.0} ns   {}", one.row.name, median(differences), first.row.name);
        }
    }
    println!();
}

fn ours(rows: &[Measured]) -> Vec<&Measured> {
    rows.iter().filter(|row| row.is_ours()).collect()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn nanoseconds(value: f64) -> String {
    if value < 10_000.0 { format!("{value:.0} ns") } else { format!("{:.2} us", value / 1000.0) }
}

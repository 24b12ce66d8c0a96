//! Tokens: `jwt/<case>/<implementation>`, of HS256 where the case names no other. Every answer is asserted.
//!
//! The same key, the same token and the same questions for all: signature, issuer, audience, `exp` and `nbf`
//! with 30 seconds of leeway, against the system's clock, which is read for each token that is accepted.

use criterion::{Criterion, criterion_group, criterion_main};

mod asymmetric;
mod cached;
mod fixture;
mod ours;
#[cfg(feature = "peers")]
mod peers;

fn rows(c: &mut Criterion) {
    for mut row in fixture::rows() {
        c.bench_function(&row.name, |b| b.iter(|| (row.run)()));
    }
}

criterion_group!(benches, rows);
criterion_main!(benches);

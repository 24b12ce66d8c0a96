//! Sessions: `session/<case>/<implementation>`. Every answer is asserted.
//!
//! All implementations hold as many live sessions under random ids, and are asked in the same random order. A peer's
//! answer is a clone of its record, as ours is.

use criterion::{Criterion, criterion_group, criterion_main};

mod cookies;
mod load;
#[cfg(feature = "peers")]
mod peers;
mod route;
mod sqlite;
mod world;

use self::world::{Row, World};

const SESSIONS: usize = 100_000;

fn all(c: &mut Criterion) {
    let world = World::new(SESSIONS);
    load::rows(c, &world);
    #[cfg(feature = "peers")]
    peers::loads(c, &world);
    let mut rows = cookies::rows(&world);
    rows.extend(route::rows(&world));
    #[cfg(feature = "peers")]
    rows.extend(peers::rows());
    rows.extend(sqlite::rows());
    for Row { name, mut run } in rows {
        c.bench_function(&name, |b| b.iter(&mut run));
    }
}

criterion_group!(benches, all);
criterion_main!(benches);

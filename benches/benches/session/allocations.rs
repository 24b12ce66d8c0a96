//! How often the rows of `session` allocate, and how many bytes: printed, for there is nothing to measure.
//!
//! A binary of its own, for an allocator that counts costs time.

use std::hint::black_box;

use allocation_counter::measure;

mod cookies;
#[cfg(feature = "peers")]
#[path = "peers/rows.rs"]
mod peers;
mod route;
mod sqlite;
mod world;

use self::world::{Row, World};

fn main() {
    let world = World::new(1_000);
    println!("{:44} {:>11} {:>8}", "row", "allocations", "bytes");
    let mut rows = cookies::rows(&world);
    rows.extend(route::rows(&world));
    #[cfg(feature = "peers")]
    rows.extend(peers::rows());
    rows.extend(sqlite::rows());
    rows.push(Row::new("load/ours", move || assert!(black_box(world.record(&world.ids[7])).is_some())));
    for mut row in rows {
        // What is kept from the first call on is no cost of each.
        (row.run)();
        let counted = measure(|| (row.run)());
        println!("{:44} {:>11} {:>8}", row.name, counted.count_total, counted.bytes_total);
    }
}

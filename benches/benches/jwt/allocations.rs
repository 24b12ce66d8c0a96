//! How often each row of `jwt` allocates, and how many bytes: printed, for there is nothing to measure.
//!
//! A binary of its own, for an allocator that counts costs time.

use allocation_counter::measure;

mod asymmetric;
mod cached;
mod fixture;
mod ours;
#[cfg(feature = "peers")]
mod peers;

fn main() {
    println!("{:44} {:>11} {:>8}", "row", "allocations", "bytes");
    for mut row in fixture::rows() {
        // What is kept from the first call on is no cost of each.
        (row.run)();
        let counted = measure(|| (row.run)());
        println!("{:44} {:>11} {:>8}", row.name, counted.count_total, counted.bytes_total);
    }
}

//! Header segments that were seen under a valid signature, so that they need not be parsed again.

use std::sync::{
    OnceLock,
    atomic::{AtomicU8, Ordering},
};

/// Which key a header segment means, for the segments that were seen before.
///
/// An issuer writes the same header again and again. A segment gets in only behind a signature and a `typ`
/// that were right, and at most four a key, so only the holders of the keys can fill the table. Nothing ever
/// leaves it: reading takes no lock.
#[derive(Debug)]
pub(super) struct SeenHeaders {
    /// Twice as many as there can be segments, so that a search ends soon at an empty place. With one key: four,
    /// looked at in turn.
    places: Box<[OnceLock<Seen>]>,
    /// How many segments of each key are there.
    counts: Box<[AtomicU8]>,
}

#[derive(Debug)]
struct Seen {
    segment: Box<str>,
    key: usize,
}

impl SeenHeaders {
    /// The most segments that are remembered of a key.
    const MAX_PER_KEY: usize = 4;
    /// A longer segment is parsed every time.
    const MAX_LEN: usize = 512;

    /// Nothing was seen yet, of any of `keys` keys.
    pub(super) fn new(keys: usize) -> Self {
        let places = match keys {
            0 | 1 => Self::MAX_PER_KEY,
            many => many.saturating_mul(2 * Self::MAX_PER_KEY).next_power_of_two(),
        };
        let places = std::iter::repeat_with(OnceLock::new).take(places).collect();
        Self { places, counts: std::iter::repeat_with(AtomicU8::default).take(keys).collect() }
    }

    /// The key that the segment means, by its place in the set.
    #[inline]
    pub(super) fn find(&self, segment: &str) -> Option<usize> {
        if segment.len() > Self::MAX_LEN {
            return None;
        }
        let found = self.walk(segment).map_while(OnceLock::get).find(|seen| *seen.segment == *segment)?;
        Some(found.key)
    }

    /// Remembers that the segment means this key.
    pub(super) fn remember(&self, segment: &str, key: usize) {
        let Some(count) = self.counts.get(key).filter(|_| segment.len() <= Self::MAX_LEN) else { return };
        // Room is taken before the place, so that threads which race stay below the most.
        let more = |count: u8| count.checked_add(1).filter(|more| usize::from(*more) <= Self::MAX_PER_KEY);
        if count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_err() {
            return;
        }
        for place in self.walk(segment) {
            let mut is_new = false;
            let seen = place.get_or_init(|| {
                is_new = true;
                Seen { segment: segment.into(), key }
            });
            if is_new {
                return;
            }
            // Places are never given up, so two threads with one segment meet in the same place.
            if *seen.segment == *segment {
                break;
            }
        }
        count.fetch_sub(1, Ordering::Relaxed);
    }

    /// The places where a segment may be, beginning with the likeliest.
    #[inline]
    fn walk(&self, segment: &str) -> impl Iterator<Item = &OnceLock<Seen>> {
        let home = if self.counts.len() > 1 { mix(segment) as usize } else { 0 };
        let mask = self.places.len().wrapping_sub(1);
        (0..self.places.len()).filter_map(move |step| self.places.get(home.wrapping_add(step) & mask))
    }
}

/// Spreads segments over the table. Only holders of keys put something in, and the table is of a fixed size, so
/// nobody gains by choosing what collides.
#[inline]
fn mix(segment: &str) -> u64 {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let bytes = segment.as_bytes();
    let step =
        |hash: u64, word: &[u8; 8]| (hash.rotate_left(29) ^ u64::from_le_bytes(*word)).wrapping_mul(ODD);
    let (words, rest) = bytes.as_chunks::<8>();
    let (pairs, single) = words.as_chunks::<2>();
    // Two at a time, since each waits for the product before it.
    let (mut one, mut two) = (bytes.len() as u64, 0);
    for [first, second] in pairs {
        one = step(one, first);
        two = step(two, second);
    }
    let tail = bytes.last_chunk::<8>().filter(|_| !rest.is_empty());
    for word in single.iter().chain(tail) {
        one = step(one, word);
    }
    // Products carry upwards only, and the low bits are what is used.
    let hash = one ^ two.rotate_left(32);
    (hash ^ (hash >> 32)).wrapping_mul(ODD) >> 40
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(seen: &SeenHeaders) -> usize {
        seen.places.iter().filter(|place| place.get().is_some()).count()
    }

    #[test]
    fn four_headers_of_a_key_are_remembered_and_the_fifth_is_not() {
        for keys in [1, 2, 16, 64] {
            let seen = SeenHeaders::new(keys);
            for key in 0..keys {
                for name in ["a", "b", "b", "a", "c", "d", "e", "d"] {
                    seen.remember(&format!("{name}{key}"), key);
                }
            }
            for key in 0..keys {
                for name in ["a", "b", "c", "d"] {
                    assert_eq!(seen.find(&format!("{name}{key}")), Some(key));
                }
                assert_eq!(seen.find(&format!("e{key}")), None);
            }
            assert_eq!((seen.find(""), taken(&seen)), (None, keys * 4));
            // A key that is not there has nothing to remember.
            seen.remember("x", keys);
            assert_eq!(seen.find("x"), None);
        }
    }

    /// Room must not be spent twice on one header, or a handful of racing requests would take it all.
    #[test]
    fn racing_threads_remember_a_header_once() {
        for _ in 0..500 {
            let seen = SeenHeaders::new(2);
            let barrier = std::sync::Barrier::new(4);
            std::thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| {
                        barrier.wait();
                        seen.remember("a", 1);
                    });
                }
            });
            assert_eq!((taken(&seen), seen.find("a")), (1, Some(1)));
            assert_eq!(seen.counts[1].load(Ordering::Relaxed), 1);
        }
    }

    /// Not even while they race.
    #[test]
    fn racing_threads_do_not_exceed_the_most() {
        for _ in 0..200 {
            let seen = SeenHeaders::new(3);
            let barrier = std::sync::Barrier::new(4);
            std::thread::scope(|scope| {
                for thread in 0..4 {
                    let (seen, barrier) = (&seen, &barrier);
                    scope.spawn(move || {
                        barrier.wait();
                        for n in 0..4 {
                            seen.remember(&format!("{thread}.{n}"), 2);
                        }
                    });
                }
            });
            assert_eq!(taken(&seen), 4);
        }
    }

    #[test]
    fn a_long_header_is_not_remembered() {
        let seen = SeenHeaders::new(1);
        let long = "x".repeat(SeenHeaders::MAX_LEN + 1);
        seen.remember(&long, 0);
        assert_eq!(seen.find(&long), None);
    }

    /// Headers differ in their `kid` only: a few letters somewhere in the middle.
    #[test]
    fn headers_that_differ_in_a_few_letters_are_spread() {
        for len in [17, 24, 41, 64, 96] {
            for at in 0..len - 2 {
                let homes: std::collections::HashSet<_> = (0..16u8)
                    .map(|n| {
                        let mut segment = "eyJhbGciOiJIUzI1NiIs".repeat(8).into_bytes();
                        segment.truncate(len);
                        segment[at] = b'A' + n % 4;
                        segment[at + 1] = b'a' + n / 4;
                        mix(std::str::from_utf8(&segment).unwrap()) & 127
                    })
                    .collect();
                assert!(homes.len() >= 9, "{len} {at}: {}", homes.len());
            }
        }
    }
}

//! A store's shards.

/// How many shards a store has: enough that writers on as many threads as machines have rarely meet. A power
/// of two.
pub(super) const SHARDS: usize = 64;

/// At least one shard. There is one for every number, so asking for one cannot fail.
#[derive(Debug)]
pub(super) struct Shards<T> {
    most: Box<[T]>,
    last: T,
}

impl<T> Shards<T> {
    /// The shards of a store.
    pub(super) fn new(shard: impl Fn() -> T) -> Self {
        Self::of(SHARDS, shard)
    }

    /// As many as `len`, at least one.
    pub(super) fn of(len: usize, shard: impl Fn() -> T) -> Self {
        Self { most: (1..len).map(|_| shard()).collect(), last: shard() }
    }

    pub(super) const fn len(&self) -> usize {
        self.most.len().saturating_add(1)
    }

    /// The shard of this number; the last one, if there are fewer.
    #[inline]
    pub(super) fn at(&self, number: usize) -> &T {
        self.most.get(number).unwrap_or(&self.last)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.most.iter().chain([&self.last])
    }
}

/// The numbers of shards in the order in which they must be locked, each once.
pub(super) fn lock_order(numbers: impl Iterator<Item = usize>) -> Vec<usize> {
    let mut numbers: Vec<_> = numbers.collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

/// The number of the shard for a hash.
pub(super) const fn number(hash: u64) -> usize {
    hash as usize & (SHARDS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_has_a_shard_of_its_own() {
        let next = std::cell::Cell::new(0);
        let shards = Shards::new(|| next.replace(next.get() + 1));
        let mut seen: Vec<_> = (0..SHARDS).map(|number| *shards.at(number)).collect();
        assert!(shards.iter().eq(&seen));
        assert_eq!((shards.len(), number(u64::MAX)), (SHARDS, SHARDS - 1));
        seen.sort_unstable();
        assert_eq!(seen, (0..SHARDS).collect::<Vec<_>>());
    }

    #[test]
    fn shards_are_locked_once_and_in_one_order() {
        assert_eq!(lock_order([7, 3, 7, 1].into_iter()), [1, 3, 7]);
    }
}

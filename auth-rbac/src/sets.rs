//! The permissions of roles after inheritance, each distinct set stored once.

use std::hash::{BuildHasher, Hasher};

use foldhash::fast::RandomState;

use crate::{rows::Rows, slots::Slots};

/// Marks a set that is kept as bits instead of a sorted list.
const DENSE: u32 = 1 << 31;
/// Up to this many items a list is as fast as bits.
const SHORT: usize = 8;
/// Bits are faster than a long list, and may take this many times its space.
const SPACE_FOR_SPEED: usize = 4;

/// A set within [`Sets`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct SetRef {
    start: u32,
    len: u32,
}

/// What a role gives and takes, all that it inherits included.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Closure {
    permits: SetRef,
    denies: SetRef,
}

/// The closures of all roles.
#[derive(Debug, Clone)]
pub(crate) struct Sets {
    words: Vec<u32>,
    closures: Vec<Closure>,
}

/// A rule as a number: the permission, and whether it forbids it. Sorts by permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) permission: u32,
    pub(crate) denies: bool,
}

impl Rule {
    #[inline]
    pub(crate) const fn pack(self) -> u32 {
        (self.permission << 1) | self.denies as u32
    }

    #[inline]
    pub(crate) const fn unpack(packed: u32) -> Self {
        Self { permission: packed >> 1, denies: packed & 1 == 1 }
    }
}

impl Sets {
    /// The most memory that the sets of one policy may take, in 32-bit words: 256 MiB.
    pub(crate) const MAX_WORDS: usize = 1 << 26;
    /// The same in bytes.
    pub(crate) const MAX_BYTES: usize = Self::MAX_WORDS * size_of::<u32>();

    /// Those of no role.
    pub(crate) const fn none() -> Self {
        Self { words: Vec::new(), closures: Vec::new() }
    }

    /// Closes every role's rules over what it inherits. `order` has parents first. A denial, own or
    /// inherited, removes the permission from what the role gives.
    ///
    /// `None` if the sets would take more than `max_words`.
    pub(crate) fn close(
        order: &[u32],
        parents: &Rows,
        rules: &Rows,
        permissions: usize,
        max_words: usize,
    ) -> Option<Self> {
        let mut interner = Interner::<RandomState>::new(max_words);
        let mut closures = vec![Closure::default(); order.len()];
        let mut permits = Bits::new(permissions);
        let mut denies = Bits::new(permissions);
        for role in order {
            let own = rules.row(*role);
            let inherited = parents.row(*role);
            let closure = match (inherited, own) {
                ([parent], []) => closures.get(*parent as usize).copied().unwrap_or_default(),
                _ => {
                    for parent in inherited {
                        let closure = closures.get(*parent as usize).copied().unwrap_or_default();
                        permits.insert_all(interner.view(closure.permits));
                        denies.insert_all(interner.view(closure.denies));
                    }
                    for rule in own.iter().copied().map(Rule::unpack) {
                        if rule.denies { &mut denies } else { &mut permits }.insert(rule.permission);
                    }
                    permits.remove_all(&denies);
                    Closure { permits: interner.take(&mut permits)?, denies: interner.take(&mut denies)? }
                }
            };
            if let Some(place) = closures.get_mut(*role as usize) {
                *place = closure;
            }
        }
        interner.words.shrink_to_fit();
        Some(Self { words: interner.words, closures })
    }

    #[inline]
    pub(crate) fn closure(&self, role: u32) -> Closure {
        self.closures.get(role as usize).copied().unwrap_or_default()
    }

    #[inline]
    pub(crate) fn permits(&self, closure: Closure, permission: u32) -> bool {
        view(&self.words, closure.permits).contains(permission)
    }

    #[inline]
    pub(crate) fn denies(&self, closure: Closure, permission: u32) -> bool {
        view(&self.words, closure.denies).contains(permission)
    }

    /// Whether nothing is permitted by it.
    pub(crate) fn gives_nothing(&self, closure: Closure) -> bool {
        closure.permits == SetRef::default()
    }

    /// What it holds on the heap.
    pub(crate) fn bytes(&self) -> usize {
        size_of_val(self.words.as_slice()).saturating_add(size_of_val(self.closures.as_slice()))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum View<'a> {
    List(&'a [u32]),
    Bits(&'a [u32]),
}

impl View<'_> {
    #[inline]
    fn contains(self, item: u32) -> bool {
        match self {
            Self::List(list) if list.len() <= SHORT => list.contains(&item),
            Self::List(list) => list.binary_search(&item).is_ok(),
            Self::Bits(words) => {
                words.get((item >> 5) as usize).is_some_and(|word| (word >> (item & 31)) & 1 == 1)
            }
        }
    }
}

#[inline]
fn view(words: &[u32], set: SetRef) -> View<'_> {
    let (start, len) = (set.start as usize, (set.len & !DENSE) as usize);
    let words = words.get(start..start.saturating_add(len)).unwrap_or_default();
    if set.len & DENSE == 0 { View::List(words) } else { View::Bits(words) }
}

/// Finds equal sets while they are made.
struct Interner<S> {
    max_words: usize,
    words: Vec<u32>,
    slots: Slots,
    known: Vec<SetRef>,
    hasher: S,
}

impl<S: BuildHasher + Default> Interner<S> {
    fn new(max_words: usize) -> Self {
        Self { max_words, words: Vec::new(), slots: Slots::new(), known: Vec::new(), hasher: S::default() }
    }

    fn view(&self, set: SetRef) -> View<'_> {
        view(&self.words, set)
    }

    /// Stores what is in `bits` and empties them.
    fn take(&mut self, bits: &mut Bits) -> Option<SetRef> {
        let count = bits.count();
        if count == 0 {
            bits.clear();
            return Some(SetRef::default());
        }
        let start = self.words.len();
        let words = bits.used();
        let dense = count > SHORT && words.len() <= count.saturating_mul(SPACE_FOR_SPEED);
        if dense {
            self.words.extend_from_slice(words);
        } else {
            self.words.extend(bits.items());
        }
        bits.clear();
        let len = u32::try_from(self.words.len().saturating_sub(start)).ok()?;
        let len = if dense { len | DENSE } else { len };
        let set = SetRef { start: u32::try_from(start).ok()?, len };

        let new = view(&self.words, set);
        let mut hasher = self.hasher.build_hasher();
        hasher.write_u32(len);
        for word in self.words.get(start..).unwrap_or_default() {
            hasher.write_u32(*word);
        }
        let hash = hasher.finish();
        let same =
            |index: u32| self.known.get(index as usize).is_some_and(|known| view(&self.words, *known) == new);
        if let Some(index) = self.slots.find(hash, same) {
            self.words.truncate(start);
            return self.known.get(index as usize).copied();
        }
        self.slots.insert(hash, u32::try_from(self.known.len()).ok()?);
        self.known.push(set);
        (self.words.len() <= self.max_words).then_some(set)
    }
}

/// A set under construction. Remembers how far it was written, so that emptying a small one is quick.
struct Bits {
    words: Vec<u32>,
    used: usize,
}

impl Bits {
    fn new(items: usize) -> Self {
        Self { words: vec![0; items.div_ceil(32)], used: 0 }
    }

    fn insert(&mut self, item: u32) {
        let at = (item >> 5) as usize;
        if let Some(word) = self.words.get_mut(at) {
            *word |= 1 << (item & 31);
            self.used = self.used.max(at.saturating_add(1));
        }
    }

    fn insert_all(&mut self, set: View<'_>) {
        match set {
            View::List(list) => list.iter().for_each(|item| self.insert(*item)),
            View::Bits(words) => {
                for (to, from) in self.words.iter_mut().zip(words) {
                    *to |= from;
                }
                self.used = self.used.max(words.len());
            }
        }
    }

    fn remove_all(&mut self, others: &Self) {
        for (word, other) in self.words.iter_mut().zip(others.used()) {
            *word &= !other;
        }
    }

    fn used(&self) -> &[u32] {
        self.words.get(..self.used).unwrap_or_default()
    }

    fn count(&self) -> usize {
        self.used().iter().map(|word| word.count_ones() as usize).sum()
    }

    fn items(&self) -> impl Iterator<Item = u32> {
        (0_u32..).step_by(32).zip(self.used()).flat_map(|(base, word)| {
            (0..32_u32).filter(move |bit| (word >> bit) & 1 == 1).map(move |bit| base | bit)
        })
    }

    fn clear(&mut self) {
        if let Some(used) = self.words.get_mut(..self.used) {
            used.fill(0);
        }
        self.used = 0;
    }
}

/// A hash that says nothing, to see that nothing relies on it.
#[cfg(test)]
#[derive(Default)]
pub(crate) struct SameHash;

#[cfg(test)]
impl Hasher for SameHash {
    fn finish(&self) -> u64 {
        7
    }

    fn write(&mut self, _: &[u8]) {}
}

#[cfg(test)]
mod tests {
    use std::hash::BuildHasherDefault;

    use super::*;

    fn allow(permission: u32) -> u32 {
        Rule { permission, denies: false }.pack()
    }

    fn deny(permission: u32) -> u32 {
        Rule { permission, denies: true }.pack()
    }

    fn close(order: &[u32], parents: &[(u32, u32)], rules: &[(u32, u32)], permissions: usize) -> Sets {
        let parents = Rows::from_pairs(order.len(), parents);
        let rules = Rows::from_pairs(order.len(), rules);
        Sets::close(order, &parents, &rules, permissions, Sets::MAX_WORDS).unwrap()
    }

    /// Short lists, long lists and bits must answer alike.
    #[test]
    fn a_set_holds_what_was_put_in_however_it_is_kept() {
        let sparse = |n: u32| n * 1_000;
        let dense = |n: u32| n * 3;
        for (count, place) in [(3, sparse as fn(u32) -> u32), (60, sparse), (60, dense)] {
            let rules: Vec<_> = (0..count).map(|n| (0, allow(place(n)))).collect();
            let sets = close(&[0], &[], &rules, 60_000);
            let held: Vec<_> = (0..60_100).filter(|item| sets.permits(sets.closure(0), *item)).collect();
            assert_eq!(held, (0..count).map(place).collect::<Vec<_>>());
            assert!((0..60_100).all(|item| !sets.denies(sets.closure(0), item)));
        }
    }

    /// A denial overrides, wherever the allow comes from.
    #[test]
    fn a_denial_removes_what_parents_and_the_role_itself_give() {
        let sets = close(
            &[2, 1, 0],
            &[(0, 1), (1, 2)],
            &[(2, allow(1)), (2, deny(2)), (1, allow(2)), (1, deny(1)), (0, allow(1)), (0, allow(3))],
            10,
        );
        let gives = |role, item| sets.permits(sets.closure(role), item);
        let takes = |role, item| sets.denies(sets.closure(role), item);
        assert!(gives(2, 1) && !gives(1, 1) && !gives(0, 1) && gives(0, 3));
        assert!(!gives(1, 2) && takes(0, 2) && takes(0, 1) && !takes(2, 1));
    }

    #[test]
    fn equal_sets_are_stored_once() {
        let rules: Vec<_> =
            (0..1_000).flat_map(|role| (0..100).map(move |item| (role, allow(item)))).collect();
        let sets = close(&(0..1_000).collect::<Vec<_>>(), &[], &rules, 100);
        assert_eq!(sets.words.len(), 4);
    }

    /// A hash is no proof: sets that collide are compared, their way of being kept included.
    #[test]
    fn sets_with_the_same_hash_are_told_apart() {
        let mut interner = Interner::<BuildHasherDefault<SameHash>>::new(1_000);
        let mut bits = Bits::new(1_000);
        let mut take = |items: &[u32]| {
            items.iter().for_each(|item| bits.insert(*item));
            interner.take(&mut bits).unwrap()
        };
        let one = take(&[1, 2]);
        assert_ne!(one, take(&[1, 3]));
        assert_eq!(one, take(&[1, 2]));
        // As bits, the items 0 to 8 are the one word 511: the same words as the list of 511.
        let many: Vec<u32> = (0..9).collect();
        assert_ne!(take(&many), take(&[511]));
    }

    /// One deep chain whose every role adds a permission is the worst case of a closure.
    #[test]
    fn a_policy_whose_sets_would_fill_the_memory_is_refused() {
        let order: Vec<_> = (0..1_000).collect();
        let chain: Vec<_> = (1..1_000).map(|role| (role, role - 1)).collect();
        let rules: Vec<_> = (0..1_000).map(|role| (role, allow(role))).collect();
        let (parents, rules) = (Rows::from_pairs(1_000, &chain), Rows::from_pairs(1_000, &rules));
        assert!(Sets::close(&order, &parents, &rules, 1_000, 20_000).is_some());
        assert!(Sets::close(&order, &parents, &rules, 1_000, 10_000).is_none());
    }
}

//! What a hash costs.

/// The cost of an Argon2id hash (RFC 9106): memory, passes and lanes.
///
/// [`new`](Self::new) refuses what is weaker than the [OWASP] settings; the upper bounds hold for stored
/// hashes too, because a row in the database is input.
///
/// [OWASP]: https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html#argon2id
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Argon2Params {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

/// Why [`Argon2Params`] were refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParamsError {
    /// Cheaper to guess than the OWASP settings.
    #[error("weaker than the OWASP settings for argon2id")]
    TooWeak,
    /// Beyond what a hash may cost here, or not valid for its algorithm (Argon2: RFC 9106 section 3.1).
    #[error("outside of the bounds for a hash")]
    OutOfBounds,
}

impl Argon2Params {
    /// The default: 19,456 KiB, 2 passes, 1 lane.
    pub const OWASP: Self = Self { memory_kib: 19_456, passes: 2, lanes: 1 };

    /// The most memory, in KiB: 256 MiB.
    pub const MAX_MEMORY_KIB: u32 = 262_144;
    /// The most passes.
    pub const MAX_PASSES: u32 = 16;
    /// The most lanes. They are worked off one after the other, so more than one buys nothing here.
    pub const MAX_LANES: u32 = 16;
    /// The most KiB times passes: 27 times the default.
    pub const MAX_WORK: u64 = 1_048_576;

    /// The least memory for each number of passes that OWASP calls equivalent, in KiB.
    const FLOOR: [(u32, u32); 5] = [(1, 47_104), (2, 19_456), (3, 12_288), (4, 9_216), (5, 7_168)];

    /// `memory_kib` KiB of memory, gone over `passes` times, in `lanes` lanes.
    ///
    /// # Errors
    /// [`ParamsError::TooWeak`] below the OWASP settings (47,104 KiB with 1 pass, 19,456 with 2, 12,288 with
    /// 3, 9,216 with 4, 7,168 with 5 or more); [`ParamsError::OutOfBounds`] beyond the constants above.
    pub fn new(memory_kib: u32, passes: u32, lanes: u32) -> Result<Self, ParamsError> {
        let params = Self::within_bounds(memory_kib, passes, lanes).ok_or(ParamsError::OutOfBounds)?;
        let strong =
            Self::FLOOR.iter().any(|&(floor_passes, kib)| passes >= floor_passes && memory_kib >= kib);
        if strong { Ok(params) } else { Err(ParamsError::TooWeak) }
    }

    /// Parameters that somebody used once, however weak: valid Argon2 that costs no more than the bounds.
    pub(crate) fn within_bounds(memory_kib: u32, passes: u32, lanes: u32) -> Option<Self> {
        let work = u64::from(memory_kib).checked_mul(u64::from(passes))?;
        let fits = (1..=Self::MAX_LANES).contains(&lanes)
            && (1..=Self::MAX_PASSES).contains(&passes)
            && (lanes.checked_mul(8)?..=Self::MAX_MEMORY_KIB).contains(&memory_kib)
            && work <= Self::MAX_WORK;
        fits.then_some(Self { memory_kib, passes, lanes })
    }

    /// Memory in KiB.
    #[must_use]
    pub const fn memory_kib(self) -> u32 {
        self.memory_kib
    }

    /// How many times the memory is gone over.
    #[must_use]
    pub const fn passes(self) -> u32 {
        self.passes
    }

    /// How many lanes the memory is cut into.
    #[must_use]
    pub const fn lanes(self) -> u32 {
        self.lanes
    }

    /// The 1 KiB blocks that are computed: the time that a hash takes, in a unit that no machine changes.
    pub(crate) const fn work(self) -> u64 {
        (self.memory_kib as u64).saturating_mul(self.passes as u64)
    }

    /// The blocks of memory that are needed.
    pub(crate) fn blocks(self) -> usize {
        usize::try_from(self.memory_kib).unwrap_or(usize::MAX)
    }

    /// Parameters that cost as many blocks as `self` lacks to `dearer`; none if it lacks nothing to speak of.
    ///
    /// A stored hash that is cheaper than today's answers faster, which tells an attacker that the account
    /// exists and how old its password is. Whoever checks it does this much more work.
    pub(crate) fn difference_to(self, dearer: Self) -> Option<Self> {
        let missing = dearer.work().saturating_sub(self.work());
        let passes = missing.div_ceil(u64::from(dearer.memory_kib)).max(1);
        let memory_kib = missing.checked_div(passes)?;
        let (memory_kib, passes) = (u32::try_from(memory_kib).ok()?, u32::try_from(passes).ok()?);
        (memory_kib >= 8).then_some(Self { memory_kib, passes, lanes: 1 })
    }
}

impl Default for Argon2Params {
    fn default() -> Self {
        Self::OWASP
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_owasp_settings_are_the_floor() {
        for (memory_kib, passes) in
            [(47_104, 1), (19_456, 2), (12_288, 3), (9_216, 4), (7_168, 5), (65_536, 3)]
        {
            assert!(Argon2Params::new(memory_kib, passes, 1).is_ok(), "{memory_kib} {passes}");
        }
        for (memory_kib, passes) in [(47_103, 1), (19_455, 2), (12_287, 3), (9_215, 4), (7_167, 16), (8, 1)] {
            assert_eq!(Argon2Params::new(memory_kib, passes, 1), Err(ParamsError::TooWeak), "{memory_kib}");
        }
    }

    #[test]
    fn nothing_is_beyond_the_bounds() {
        for (memory_kib, passes, lanes) in [
            (u32::MAX, 2, 1),
            (262_145, 1, 1),
            (19_456, 17, 1),
            (19_456, 2, 17),
            (262_144, 5, 1),
            (19_456, 0, 1),
            (19_456, 2, 0),
            (19_456, 2, u32::MAX),
        ] {
            assert_eq!(Argon2Params::new(memory_kib, passes, lanes), Err(ParamsError::OutOfBounds));
        }
        // RFC 9106 section 3.1: at least 8 KiB a lane.
        assert_eq!(Argon2Params::within_bounds(8 * 16 - 1, 1, 16), None);
    }

    proptest! {
        /// An old hash and its make-up work cost what today's hash costs.
        #[test]
        fn the_difference_makes_up_the_work(
            memory_kib in 8_u32..70_000, passes in 1_u32..8, dearer_kib in 8_u32..70_000, dearer_passes in 1_u32..8,
        ) {
            let old = Argon2Params::within_bounds(memory_kib, passes, 1).unwrap();
            let new = Argon2Params::within_bounds(dearer_kib, dearer_passes, 1).unwrap();
            let made_up = old.work() + old.difference_to(new).map_or(0, Argon2Params::work);
            if old.work() <= new.work() {
                prop_assert!(made_up <= new.work() && new.work() - made_up < 8 * 8, "{made_up} {}", new.work());
                prop_assert!(old.difference_to(new).is_none_or(|more| more.memory_kib <= new.memory_kib));
            } else {
                prop_assert_eq!(made_up, old.work());
            }
        }
    }
}

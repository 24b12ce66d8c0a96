//! Unsigned numbers in signed columns, which is what every database has.
//!
//! Counted numbers (versions, epochs, generations) begin at zero and never come near `i64::MAX`: they are kept
//! as they are, up to there. So are times, except that `i64::MAX` is "never", [`UnixTime::MAX`]: a time at or
//! beyond it reads back as that. Both keep their order, and a column can be read by people and indexes.

use auth_core::UnixTime;

/// The number as a column holds it.
pub(crate) fn to_column(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The number that a column holds, or `None` if nothing of ours wrote it.
pub(crate) fn from_column(number: i64) -> Option<u64> {
    u64::try_from(number).ok()
}

/// The moment as a column holds it.
pub(crate) fn time_to_column(time: UnixTime) -> i64 {
    to_column(time.as_secs())
}

/// The moment that a column holds, or `None` if nothing of ours wrote it.
pub(crate) fn time_from_column(secs: i64) -> Option<UnixTime> {
    if secs == i64::MAX { Some(UnixTime::MAX) } else { from_column(secs).map(UnixTime::from_secs) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LARGEST: u64 = i64::MAX as u64;

    /// A deadline of "never" that read back as 292 billion years from now would not equal itself.
    #[test]
    fn what_matters_survives_a_column() {
        for number in [0, 1, u64::from(u32::MAX) + 1, LARGEST] {
            assert_eq!(from_column(to_column(number)), Some(number));
        }
        for secs in [0, 1, LARGEST - 1, u64::MAX] {
            let time = UnixTime::from_secs(secs);
            assert_eq!(time_from_column(time_to_column(time)), Some(time));
        }
        assert_eq!(time_from_column(time_to_column(UnixTime::from_secs(LARGEST))), Some(UnixTime::MAX));
        assert_eq!((from_column(-1), time_from_column(-1)), (None, None));
    }

    #[test]
    fn order_survives_a_column() {
        let numbers = [0, 1, LARGEST - 1, LARGEST, LARGEST + 1, u64::MAX];
        assert!(numbers.windows(2).all(|pair| to_column(pair[0]) <= to_column(pair[1])));
        assert!(to_column(LARGEST - 1) < to_column(u64::MAX));
    }
}

//! Times and durations as they are written.

use std::time::Duration;

use auth_core::UnixTime;

use super::zone::midnight;

/// Units of durations, with their seconds, from large to small.
pub(crate) const UNITS: [(char, u64); 4] = [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

/// Reads `1h30m`: numbers with units, from large to small, each at most once.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    let mut seconds: u64 = 0;
    let mut units = UNITS.into_iter();
    let mut rest = text;
    while !rest.is_empty() {
        let (number, after) = rest.split_at(rest.bytes().take_while(u8::is_ascii_digit).count());
        let unit = after.chars().next()?;
        // What was passed over cannot come any more.
        let (_, of) = units.find(|(known, _)| *known == unit)?;
        seconds = seconds.checked_add(number.parse::<u64>().ok()?.checked_mul(of)?)?;
        rest = after.get(unit.len_utf8()..)?;
    }
    // What is computed with it has a sign.
    (!text.is_empty() && i64::try_from(seconds).is_ok()).then(|| Duration::from_secs(seconds))
}

/// Reads a time of RFC 3339 from 1970 to 9999: `2026-01-31T09:00:00Z`, `2026-01-31T09:00:00+02:00`. Fractions of a
/// second are refused: times are whole seconds.
pub(crate) fn time(text: &str) -> Option<UnixTime> {
    let (date, rest) = text.split_once('T')?;
    let [year, month, day] = numbers(date, "-", [4, 2, 2])?;
    let (clock, zone) = rest.split_at_checked(8)?;
    let [hour, minute, second] = numbers(clock, ":", [2, 2, 2])?;
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let offset = match zone
        .strip_prefix('+')
        .map(|zone| (1, zone))
        .or(zone.strip_prefix('-').map(|zone| (-1, zone)))
    {
        None if zone == "Z" => 0,
        None => return None,
        Some((sign, zone)) => {
            let [hours, minutes] = numbers(zone, ":", [2, 2])?;
            if hours > 23 || minutes > 59 {
                return None;
            }
            i64::checked_mul(sign, hours.checked_mul(3600)?.checked_add(minutes.checked_mul(60)?)?)?
        }
    };
    let clock = hour.checked_mul(3600)?.checked_add(minute.checked_mul(60)?)?.checked_add(second)?;
    let seconds = midnight(year, month, day)?.checked_add(clock)?.checked_sub(offset)?;
    u64::try_from(seconds).ok().map(UnixTime::from_secs)
}

fn numbers<const N: usize>(text: &str, between: &str, lengths: [usize; N]) -> Option<[i64; N]> {
    let mut parts = text.split(between);
    let mut numbers = [0; N];
    for (number, length) in numbers.iter_mut().zip(lengths) {
        let part = parts
            .next()
            .filter(|part| part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit()));
        *number = part?.parse().ok()?;
    }
    parts.next().is_none().then_some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::condition::zone::{Rfc3339, Units};

    #[test]
    fn durations_are_written_as_they_are_read() {
        for (text, seconds) in [("10m", 600), ("1h30m", 5_400), ("0s", 0), ("2d1s", 172_801)] {
            assert_eq!(duration(text), Some(Duration::from_secs(seconds)), "{text}");
            assert_eq!(Units(Duration::from_secs(seconds)).to_string(), text);
        }
        for bad in [
            "",
            "10",
            "m",
            "1m1h",
            "1m1m",
            "1.5h",
            "-1m",
            "1 m",
            "1w",
            "99999999999999999999s",
            "9223372036854775808s",
        ] {
            assert_eq!(duration(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn times_are_those_of_rfc_3339() {
        for (text, seconds, written) in [
            ("2026-01-31T09:00:00Z", 1_769_850_000, "2026-01-31T09:00:00Z"),
            ("2026-01-31T09:00:00+02:00", 1_769_842_800, "2026-01-31T07:00:00Z"),
            ("1970-01-01T00:00:00Z", 0, "1970-01-01T00:00:00Z"),
        ] {
            assert_eq!(time(text), Some(UnixTime::from_secs(seconds)), "{text}");
            assert_eq!(Rfc3339(UnixTime::from_secs(seconds)).to_string(), written);
        }
        for bad in [
            "",
            "2026-01-31",
            "2026-1-31T09:00:00Z",
            "2026-02-30T09:00:00Z",
            "2026-01-31T24:00:00Z",
            "2026-01-31T09:00:60Z",
            "2026-01-31T09:00:00",
            "2026-01-31T09:00:00z",
            "2026-01-31T09:00:00.5Z",
            "2026-01-31 09:00:00Z",
            "1969-12-31T23:59:59Z",
            "1970-01-01T00:00:00+01:00",
            "2026-01-31T09:00:00+2:00",
            "+026-01-31T09:00:00Z",
        ] {
            assert_eq!(time(bad), None, "{bad:?}");
        }
    }
}

//! Time zones, and the calendar.

use std::{fmt, time::Duration};

use auth_core::UnixTime;
use serde::{Deserialize, Serialize};

use super::tree::Part;

/// A time zone: `+02:00`, or, with the feature `zones`, a name of the IANA database such as `Europe/Berlin`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ZoneName(Box<str>);

/// Not a time zone, or one that is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a time zone: `+02:00`, or, with the feature `zones`, a name such as `Europe/Berlin`")]
pub struct ZoneError;

/// A zone that was looked up.
#[derive(Debug, Clone)]
pub(crate) enum Zone {
    /// East of Greenwich, in seconds.
    Fixed(i32),
    #[cfg(feature = "zones")]
    Named(jiff::tz::TimeZone),
}

impl ZoneName {
    /// Reads a zone.
    ///
    /// # Errors
    /// [`ZoneError`].
    pub fn parse(text: &str) -> Result<Self, ZoneError> {
        let name = Self(text.into());
        name.zone().ok_or(ZoneError)?;
        Ok(name)
    }

    /// The zone as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn zone(&self) -> Option<Zone> {
        offset(&self.0).map(Zone::Fixed).or_else(|| named(&self.0))
    }
}

/// `+02:00`, `-09:30` or `Z`, in seconds, at most 18 hours.
fn offset(text: &str) -> Option<i32> {
    if text == "Z" {
        return Some(0);
    }
    let bytes = text.as_bytes();
    let [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] = bytes else { return None };
    let number = |tens: u8, ones: u8| {
        let digit = |byte: u8| char::from(byte).to_digit(10).and_then(|digit| i32::try_from(digit).ok());
        digit(tens)?.checked_mul(10)?.checked_add(digit(ones)?)
    };
    let (hours, minutes) = (number(*h1, *h2)?, number(*m1, *m2)?);
    if hours > 18 || minutes > 59 {
        return None;
    }
    let seconds = hours.checked_mul(3600)?.checked_add(minutes.checked_mul(60)?)?;
    if *sign == b'-' { seconds.checked_neg() } else { Some(seconds) }
}

#[cfg(feature = "zones")]
fn named(name: &str) -> Option<Zone> {
    if name.len() > 64 {
        return None;
    }
    jiff::tz::TimeZone::get(name).ok().map(Zone::Named)
}

#[cfg(not(feature = "zones"))]
fn named(_: &str) -> Option<Zone> {
    None
}

impl Zone {
    /// Seconds east of Greenwich at a moment, or `None` beyond the calendar.
    #[cfg_attr(
        not(feature = "zones"),
        expect(unused_variables, reason = "only named zones depend on the moment")
    )]
    fn offset(&self, time: i64) -> Option<i64> {
        match self {
            Self::Fixed(seconds) => Some((*seconds).into()),
            #[cfg(feature = "zones")]
            Self::Named(zone) => {
                let time = jiff::Timestamp::from_second(time).ok()?;
                Some(zone.to_offset(time).seconds().into())
            }
        }
    }
}

/// The last second of the year 9999.
const LAST: i64 = 253_402_300_799;
const DAY: i64 = 86_400;

/// A part of a time, as a whole number or in seconds, or `None` beyond the year 9999.
pub(crate) fn part(time: UnixTime, part: Part, zone: Option<&Zone>) -> Option<i64> {
    let time = i64::try_from(time.as_secs()).ok().filter(|time| *time <= LAST)?;
    let local = time.checked_add(zone.map_or(Some(0), |zone| zone.offset(time))?)?;
    let (days, second) = (local.div_euclid(DAY), local.rem_euclid(DAY));
    Some(match part {
        Part::Hour => second.div_euclid(3600),
        Part::Minute => second.div_euclid(60).rem_euclid(60),
        Part::TimeOfDay => second,
        // 1970-01-01 was a Thursday.
        Part::Weekday => days.checked_add(3)?.rem_euclid(7).checked_add(1)?,
        Part::Year => civil(days)?.0,
        Part::Month => civil(days)?.1,
        Part::Day => civil(days)?.2,
    })
}

/// Year, month and day of a day since 1970, in the Gregorian calendar. Years begin in March, so that the day that leap
/// years add is their last.
fn civil(days: i64) -> Option<(i64, i64, i64)> {
    // From 0000-03-01, in eras of 400 years.
    let days = days.checked_add(719_468)?;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let leap_days =
        day.div_euclid(1460).checked_sub(day.div_euclid(36_524))?.checked_add(day.div_euclid(146_096))?;
    let year = day.checked_sub(leap_days)?.div_euclid(365);
    let first = year.checked_mul(365)?.checked_add(year.div_euclid(4))?.checked_sub(year.div_euclid(100))?;
    let day = day.checked_sub(first)?;
    // Five months have 153 days, whichever they are.
    let month = day.checked_mul(5)?.checked_add(2)?.div_euclid(153);
    let begun = month.checked_mul(153)?.checked_add(2)?.div_euclid(5);
    let day = day.checked_sub(begun)?.checked_add(1)?;
    let (month, next) = if month < 10 { (month.checked_add(3)?, 0) } else { (month.checked_sub(9)?, 1) };
    Some((year.checked_add(era.checked_mul(400)?)?.checked_add(next)?, month, day))
}

/// The seconds since 1970 of midnight of a date, or `None` if there is no such day from 1970 to 9999.
pub(super) fn midnight(year: i64, month: i64, day: i64) -> Option<i64> {
    // Days of the years before, and of the months before at their longest; then the day that it is.
    let before = year.checked_sub(1)?;
    let leap =
        before.div_euclid(4).checked_sub(before.div_euclid(100))?.checked_add(before.div_euclid(400))?;
    let years = before.checked_mul(365)?.checked_add(leap)?.checked_sub(719_162)?;
    let least =
        years.checked_add(month.checked_sub(1)?.checked_mul(28)?)?.checked_add(day.checked_sub(1)?)?;
    (0..=28)
        .filter_map(|more| least.checked_add(more))
        .find(|days| civil(*days) == Some((year, month, day)))
        .and_then(|days| days.checked_mul(DAY))
        .filter(|seconds| (0..=LAST).contains(seconds))
}

/// A time as RFC 3339 writes it, or the seconds since 1970 if it is beyond the calendar.
pub(crate) struct Rfc3339(pub(crate) UnixTime);

impl fmt::Display for Rfc3339 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |wanted| part(self.0, wanted, None);
        let seconds = self.0.as_secs().checked_rem(60).unwrap_or_default();
        let (Some(year), Some(month), Some(day), Some(hour), Some(minute)) =
            (of(Part::Year), of(Part::Month), of(Part::Day), of(Part::Hour), of(Part::Minute))
        else {
            return self.0.fmt(f);
        };
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{seconds:02}Z")
    }
}

/// A duration as the largest units that it is made of: `1h30m`.
pub(crate) struct Units(pub(crate) Duration);

impl fmt::Display for Units {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0.as_secs();
        if rest == 0 {
            return f.write_str("0s");
        }
        for (unit, seconds) in super::literal::UNITS {
            let count = rest.checked_div(seconds).unwrap_or_default();
            rest = rest.checked_rem(seconds).unwrap_or_default();
            if count > 0 {
                write!(f, "{count}{unit}")?;
            }
        }
        Ok(())
    }
}

impl TryFrom<String> for ZoneName {
    type Error = ZoneError;

    fn try_from(text: String) -> Result<Self, ZoneError> {
        Self::parse(&text)
    }
}

impl From<ZoneName> for String {
    fn from(name: ZoneName) -> Self {
        name.0.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(time: u64, zone: &str) -> [i64; 6] {
        let zone = ZoneName::parse(zone).unwrap().zone().unwrap();
        [Part::Year, Part::Month, Part::Day, Part::Weekday, Part::Hour, Part::Minute]
            .map(|wanted| part(UnixTime::from_secs(time), wanted, Some(&zone)).unwrap())
    }

    #[test]
    fn the_calendar_is_the_gregorian_one() {
        assert_eq!(parts(0, "Z"), [1970, 1, 1, 4, 0, 0]);
        assert_eq!(parts(951_782_400, "Z"), [2000, 2, 29, 2, 0, 0]);
        assert_eq!(parts(1_767_225_599, "+02:00"), [2026, 1, 1, 4, 1, 59]);
        assert_eq!(parts(0, "-09:30"), [1969, 12, 31, 3, 14, 30]);
        assert_eq!(parts(253_402_300_799, "Z"), [9999, 12, 31, 5, 23, 59]);
        assert_eq!(part(UnixTime::from_secs(253_402_300_800), Part::Hour, None), None);
        assert_eq!(part(UnixTime::MAX, Part::Hour, None), None);
    }

    #[test]
    fn every_day_is_written_as_it_is_read() {
        for day in (0..2_932_896_i64).step_by(17) {
            let (year, month, date) = civil(day).unwrap();
            assert_eq!(midnight(year, month, date), Some(day * DAY), "{year}-{month}-{date}");
        }
        for (year, month, day) in
            [(2026, 2, 29), (2026, 13, 1), (2026, 0, 1), (2026, 4, 31), (1969, 12, 31), (2026, 1, 0)]
        {
            assert_eq!(midnight(year, month, day), None, "{year}-{month}-{day}");
        }
    }

    #[test]
    fn a_zone_that_is_not_known_is_refused() {
        for bad in ["", "+2:00", "+19:00", "+02:60", "02:00", "Mars/Olympus", "../etc/passwd", "+0a:00"] {
            assert_eq!(ZoneName::parse(bad), Err(ZoneError), "{bad:?}");
        }
    }

    /// Summer time begins at 01:00 UTC on the last Sunday of March.
    #[cfg(feature = "zones")]
    #[test]
    fn a_named_zone_knows_summer_time() {
        assert_eq!(parts(1_774_745_999, "Europe/Berlin"), [2026, 3, 29, 7, 1, 59]);
        assert_eq!(parts(1_774_746_000, "Europe/Berlin"), [2026, 3, 29, 7, 3, 0]);
    }
}

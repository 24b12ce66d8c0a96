//! Dates as HTTP writes them.

use auth_core::UnixTime;

const DAY: u64 = 24 * 3_600;
const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// `Sun, 06 Nov 1994 08:49:37 GMT` (IMF-fixdate, RFC 9110 section 5.6.7). `None` after the year 9999, which it has no
/// room for.
pub(super) fn http_date(at: UnixTime) -> Option<String> {
    const END: u64 = 253_402_300_800;
    let secs = Some(at.as_secs()).filter(|secs| *secs < END)?;
    let (days, time) = (secs.checked_div(DAY)?, secs.checked_rem(DAY)?);
    let weekday = WEEKDAYS.get(usize::try_from(days.checked_rem(7)?).ok()?)?;
    let (mut year, mut left) = (1970_u64, days);
    while let Some(rest) = left.checked_sub(if is_leap(year) { 366 } else { 365 }) {
        (year, left) = (year.checked_add(1)?, rest);
    }
    let mut months = MONTHS.iter().zip(1_u8..);
    let month = loop {
        let (name, number) = months.next()?;
        match left.checked_sub(days_of(number, year)) {
            Some(rest) => left = rest,
            None => break name,
        }
    };
    let (hours, minutes, seconds) = (time / 3_600, time / 60 % 60, time % 60);
    let day = left.checked_add(1)?;
    Some(format!("{weekday}, {day:02} {month} {year} {hours:02}:{minutes:02}:{seconds:02} GMT"))
}

const fn days_of(month: u8, year: u64) -> u64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

const fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (secs, date) in [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (951_868_799, "Tue, 29 Feb 2000 23:59:59 GMT"),
            (951_868_800, "Wed, 01 Mar 2000 00:00:00 GMT"),
            (1_735_689_599, "Tue, 31 Dec 2024 23:59:59 GMT"),
            (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
            (253_402_300_799, "Fri, 31 Dec 9999 23:59:59 GMT"),
        ] {
            assert_eq!(http_date(UnixTime::from_secs(secs)).as_deref(), Some(date));
        }
        for secs in [253_402_300_800, u64::MAX] {
            assert_eq!(http_date(UnixTime::from_secs(secs)), None);
        }
    }
}

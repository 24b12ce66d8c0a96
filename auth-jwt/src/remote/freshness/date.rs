//! Dates in header fields (RFC 9110 section 5.6.7).

use std::time::Duration;

use auth_core::UnixTime;

const MONTHS: [&[u8]; 12] =
    [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];
/// Days before each month of a year that is not a leap year.
const BEFORE: [u64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];

/// `Sun, 06 Nov 1994 08:49:37 GMT`: the one form that servers have been allowed to write since 1999. `None` for
/// anything else and for years before 1970. The name of the day is not compared.
pub(super) fn parse(value: &[u8]) -> Option<UnixTime> {
    let (day_name, rest) = value.trim_ascii().split_at_checked(5)?;
    let [a, b, c, b',', b' '] = day_name else { return None };
    if ![a, b, c].iter().all(|byte| byte.is_ascii_alphabetic()) {
        return None;
    }
    let mut parts = rest.split(|byte| *byte == b' ');
    let (day, month, year) = (number(parts.next()?, 2)?, parts.next()?, number(parts.next()?, 4)?);
    let (time, zone) = (parts.next()?, parts.next()?);
    let mut times = time.split(|byte| *byte == b':');
    let (hour, minute, second) =
        (number(times.next()?, 2)?, number(times.next()?, 2)?, number(times.next()?, 2)?);
    let month = MONTHS.iter().position(|name| *name == month)?;
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let in_month = match month {
        1 => {
            if leap {
                29
            } else {
                28
            }
        }
        3 | 5 | 8 | 10 => 30,
        _ => 31,
    };
    if parts.next().is_some() || times.next().is_some() || zone != b"GMT" || year < 1970 {
        return None;
    }
    // A leap second is the first second of the next minute.
    if day == 0 || day > in_month || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let days = days_before(year)
        .saturating_add(*BEFORE.get(month)?)
        .saturating_add(u64::from(leap && month > 1))
        .saturating_add(day.saturating_sub(1));
    let hours = days.saturating_mul(24).saturating_add(hour);
    let minutes = hours.saturating_mul(60).saturating_add(minute);
    Some(
        UnixTime::EPOCH
            .saturating_add(Duration::from_secs(minutes.saturating_mul(60).saturating_add(second))),
    )
}

/// Days from 1970 to the beginning of `year`, which is 1970 at the least.
fn days_before(year: u64) -> u64 {
    let last = year.saturating_sub(1);
    let leaps = |year: u64| (year / 4).saturating_sub(year / 100).saturating_add(year / 400);
    year.saturating_sub(1970).saturating_mul(365).saturating_add(leaps(last).saturating_sub(leaps(1969)))
}

fn number(digits: &[u8], len: usize) -> Option<u64> {
    if digits.len() != len || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read() {
        for (text, secs) in [
            ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
            ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777),
            ("Tue, 29 Feb 2000 23:59:59 GMT", 951_868_799),
            ("Wed, 01 Mar 2000 00:00:00 GMT", 951_868_800),
            ("Fri, 15 Jan 2027 08:00:00 GMT", 1_800_000_000),
            ("Mon, 01 Mar 2100 00:00:00 GMT", 4_107_542_400),
            ("Fri, 31 Dec 9999 23:59:60 GMT", 253_402_300_800),
        ] {
            assert_eq!(parse(text.as_bytes()), Some(UnixTime::from_secs(secs)), "{text}");
        }
    }

    #[test]
    fn nothing_else_is_a_date() {
        for bad in [
            "",
            "0",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 06 Nov 1994 08:49:37 UTC",
            "Sun, 06 Nov 1994 08:49:37 GMT x",
            "Sun, 6 Nov 1994 08:49:37 GMT",
            "Sun, 06 nov 1994 08:49:37 GMT",
            "Sun,  06 Nov 1994 08:49:37 GMT",
            "Sun, 00 Nov 1994 08:49:37 GMT",
            "Sun, 31 Nov 1994 08:49:37 GMT",
            "Sun, 29 Feb 2100 08:49:37 GMT",
            "Sun, 06 Nov 1969 08:49:37 GMT",
            "Sun, 06 Nov 1994 24:49:37 GMT",
            "Sun, 06 Nov 1994 08:60:37 GMT",
            "Sun, 06 Nov 1994 08:49:61 GMT",
            "Sun, 06 Nov 1994 08:49:37:00 GMT",
            "Sun, 06 Nov +994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
        ] {
            assert_eq!(parse(bad.as_bytes()), None, "{bad}");
        }
    }
}

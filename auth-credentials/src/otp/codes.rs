//! Which codes are accepted: by the time, or by a counter.

use std::{num::NonZeroU16, time::Duration};

use auth_core::UnixTime;
use subtle::{ConditionallySelectable, ConstantTimeEq};
use zeroize::Zeroizing;

use super::key::OtpKey;

/// A device that makes one-time codes, as the server knows it.
#[derive(Debug, Clone)]
pub struct OtpDevice {
    key: OtpKey,
    moves: Moves,
}

/// What makes one code follow another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moves {
    /// The time (RFC 6238): steps of `period` seconds, of which `skew` before and after the present one count.
    Time { period: NonZeroU16, skew: u8 },
    /// A button (RFC 4226): so many codes may have been made and not used.
    Counter { look_ahead: u8 },
}

/// What a typed code is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OtpVerdict {
    /// Right. Nothing counts as used until this step is stored, on the condition that nobody else stored one.
    Accepted {
        /// The step or counter of the code: the `last` of the next check.
        step: u64,
    },
    /// It was right once: it, or a later one, has been used (RFC 6238 section 5.2).
    Replayed,
    /// Wrong, or not a code at all.
    Wrong,
}

impl OtpDevice {
    /// The step of nearly every app, in seconds.
    pub const PERIOD: Duration = Duration::from_secs(30);
    /// How many steps before and after the present one are accepted, unless told otherwise.
    pub const SKEW: u8 = 1;
    /// The most steps before and after the present one.
    pub const MAX_SKEW: u8 = 10;
    /// How many unused codes of a counter are skipped, unless told otherwise.
    pub const LOOK_AHEAD: u8 = 10;
    /// The most unused codes of a counter that are skipped.
    pub const MAX_LOOK_AHEAD: u8 = 100;

    /// A device that makes codes by the time, a new one every 30 seconds (TOTP, RFC 6238).
    #[must_use]
    pub fn totp(key: OtpKey) -> Self {
        Self::totp_every(key, NonZeroU16::MIN.saturating_add(29))
    }

    /// The same with another period, in seconds.
    #[must_use]
    pub fn totp_every(key: OtpKey, period: NonZeroU16) -> Self {
        Self { key, moves: Moves::Time { period, skew: Self::SKEW } }
    }

    /// A device that makes codes by a counter, a new one each time that its button is pressed (HOTP, RFC 4226).
    #[must_use]
    pub fn hotp(key: OtpKey) -> Self {
        Self { key, moves: Moves::Counter { look_ahead: Self::LOOK_AHEAD } }
    }

    /// The same with another window: steps before and after for the time (at most [`MAX_SKEW`](Self::MAX_SKEW)), codes
    /// ahead for a counter (at most [`MAX_LOOK_AHEAD`](Self::MAX_LOOK_AHEAD)).
    ///
    /// Every code in the window is one more that a guess may hit.
    #[must_use]
    pub fn with_window(mut self, codes: u8) -> Self {
        match &mut self.moves {
            Moves::Time { skew, .. } => *skew = codes.min(Self::MAX_SKEW),
            Moves::Counter { look_ahead } => *look_ahead = codes.min(Self::MAX_LOOK_AHEAD),
        }
        self
    }

    /// The shared secret.
    #[must_use]
    pub fn key(&self) -> &OtpKey {
        &self.key
    }

    /// The period in seconds; none for a counter.
    #[must_use]
    pub fn period(&self) -> Option<NonZeroU16> {
        match self.moves {
            Moves::Time { period, .. } => Some(period),
            Moves::Counter { .. } => None,
        }
    }

    /// The code that such a device shows at `now`; none for a counter, see [`OtpKey::code_at`].
    #[must_use]
    pub fn code_now(&self, now: UnixTime) -> Option<Zeroizing<String>> {
        let step = now.as_secs().checked_div(u64::from(self.period()?.get()))?;
        Some(self.key.code_at(step))
    }

    /// Judges what was typed, spaces apart. `last` is the step of the last code that was accepted.
    ///
    /// Every code of the window is computed and compared, whichever matches. If two of them are equal, the later one
    /// is taken, so that no code is right twice.
    #[must_use]
    pub fn judge(&self, typed: &str, last: Option<u64>, now: UnixTime) -> OtpVerdict {
        let next = last.map_or(0, |last| last.saturating_add(1));
        let (from, to) = match self.moves {
            Moves::Time { period, skew } => {
                let present = now.as_secs().checked_div(u64::from(period.get())).unwrap_or(0);
                let skew = u64::from(skew);
                (present.saturating_sub(skew), present.saturating_add(skew))
            }
            // The last one as well, to tell a code that was used from a wrong one.
            Moves::Counter { look_ahead } => (last.unwrap_or(0), next.saturating_add(u64::from(look_ahead))),
        };
        let Some(typed) = self.read(typed) else { return OtpVerdict::Wrong };
        let (mut hit, mut step) = (subtle::Choice::from(0), 0);
        for candidate in from..=to {
            let same = self.key.number_at(candidate).ct_eq(&typed);
            step = u64::conditional_select(&step, &candidate, same);
            hit |= same;
        }
        match bool::from(hit) {
            false => OtpVerdict::Wrong,
            true if last.is_some() && step < next => OtpVerdict::Replayed,
            true => OtpVerdict::Accepted { step },
        }
    }

    /// Whether both make the same codes one after the other, so that what was used of one was used of the other.
    pub(crate) fn counts_like(&self, other: &Self) -> bool {
        let same: bool = self.key.expose().ct_eq(other.key.expose()).into();
        same && self.period() == other.period()
    }

    pub(super) fn moves(&self) -> Moves {
        self.moves
    }

    pub(super) fn from_parts(key: OtpKey, moves: Moves) -> Self {
        Self { key, moves }
    }

    /// The number that was typed: exactly so many digits, with spaces wherever people put them.
    fn read(&self, typed: &str) -> Option<u32> {
        const MAX_TYPED: usize = 32;
        if typed.len() > MAX_TYPED {
            return None;
        }
        let (mut number, mut digits): (u32, u8) = (0, 0);
        for byte in typed.bytes().filter(|byte| *byte != b' ') {
            let digit = byte.checked_sub(b'0').filter(|digit| *digit < 10)?;
            number = number.checked_mul(10)?.checked_add(u32::from(digit))?;
            digits = digits.checked_add(1)?;
        }
        (digits == self.key.digits().get()).then_some(number)
    }
}

#[cfg(test)]
mod tests {
    use auth_core::Secret;

    use super::*;
    use crate::otp::key::{OtpAlgorithm, OtpDigits};

    const NOW: UnixTime = UnixTime::from_secs(1_111_111_111);
    const STEP: u64 = 1_111_111_111 / 30;

    fn key() -> OtpKey {
        let secret = Secret::new(b"12345678901234567890".to_vec());
        OtpKey::new(secret, OtpAlgorithm::Sha1, OtpDigits::Six).unwrap()
    }

    fn accepted(step: u64) -> OtpVerdict {
        OtpVerdict::Accepted { step }
    }

    #[test]
    fn one_step_of_drift_is_accepted_and_two_are_not() {
        let device = OtpDevice::totp(key());
        for (offset, expected) in [
            (-2, OtpVerdict::Wrong),
            (-1, accepted(STEP - 1)),
            (0, accepted(STEP)),
            (1, accepted(STEP + 1)),
            (2, OtpVerdict::Wrong),
        ] {
            let code = key().code_at(STEP.wrapping_add_signed(offset));
            assert_eq!(device.judge(&code, None, NOW), expected, "{offset}");
        }
        let code = key().code_at(STEP - 2);
        assert_eq!(device.clone().with_window(2).judge(&code, None, NOW), accepted(STEP - 2));
        assert_eq!(device.with_window(0).judge(&key().code_at(STEP - 1), None, NOW), OtpVerdict::Wrong);
    }

    /// Neither the same code again nor an older one after a newer.
    #[test]
    fn a_used_step_and_every_older_one_is_replayed() {
        let device = OtpDevice::totp(key());
        for step in [STEP - 1, STEP] {
            assert_eq!(device.judge(&key().code_at(step), Some(STEP), NOW), OtpVerdict::Replayed);
        }
        assert_eq!(device.judge(&key().code_at(STEP + 1), Some(STEP), NOW), accepted(STEP + 1));
        // A clock that was set back makes no code right again.
        let before = NOW.saturating_sub(OtpDevice::PERIOD);
        assert_eq!(device.judge(&key().code_at(STEP), Some(STEP), before), OtpVerdict::Replayed);
    }

    #[test]
    fn a_counter_skips_ahead_and_never_back() {
        let device = OtpDevice::hotp(key());
        assert_eq!(device.judge("755224", None, NOW), accepted(0));
        assert_eq!(device.judge("755224", Some(0), NOW), OtpVerdict::Replayed);
        assert_eq!(device.judge("520489", Some(0), NOW), accepted(9));
        assert_eq!(device.judge("287082", Some(9), NOW), OtpVerdict::Wrong);
        let far = key().code_at(12);
        assert_eq!(device.judge(&far, Some(0), NOW), OtpVerdict::Wrong);
        assert_eq!(device.with_window(11).judge(&far, Some(0), NOW), accepted(12));
    }

    /// Two codes of a window may be equal: taking the older would leave the newer right once more.
    #[test]
    fn of_two_equal_codes_the_later_one_is_used_up() {
        let device = OtpDevice::totp(key()).with_window(OtpDevice::MAX_SKEW);
        let mut recent = std::collections::VecDeque::new();
        let (step, later) = (0_u64..)
            .find_map(|step| {
                let number = key().number_at(step);
                recent.truncate(10);
                let behind = recent.iter().position(|one| *one == number);
                recent.push_front(number);
                behind.map(|behind| (step - 1 - behind as u64, step))
            })
            .unwrap();
        let now = UnixTime::from_secs(step * 30);
        let code = key().code_at(step);
        assert_eq!(device.judge(&code, None, now), accepted(later));
        assert_eq!(device.judge(&code, Some(later), now), OtpVerdict::Replayed);
    }

    #[test]
    fn what_is_typed_is_digits_with_or_without_spaces() {
        let device = OtpDevice::hotp(key());
        for good in ["755224", "755 224", " 7 5 5 2 2 4 "] {
            assert_eq!(device.judge(good, None, NOW), accepted(0), "{good}");
        }
        let long = "0".repeat(1 << 20);
        for bad in ["", "75522", "7552240", "0755224", "+755224", "755-224", "７５５２２４", "7552 2x", &long]
        {
            assert_eq!(device.judge(bad, None, NOW), OtpVerdict::Wrong, "{bad}");
        }
    }

    /// The ends of time and of counters.
    #[test]
    fn no_moment_and_no_counter_panics() {
        let device = OtpDevice::totp(key());
        for now in [UnixTime::EPOCH, UnixTime::MAX] {
            let _ = device.judge("000000", Some(u64::MAX), now);
            assert!(device.code_now(now).is_some());
        }
        let device = OtpDevice::hotp(key());
        let _ = device.judge("000000", Some(u64::MAX), NOW);
        assert!(device.code_now(NOW).is_none());
    }
}

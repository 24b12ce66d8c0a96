//! Reading ids and secrets from base64url without padding (RFC 4648 section 5): each has one spelling.
//!
//! Their length is known, so there is less to do than for texts of any: a third of the engine's work, on the way of every
//! request that has a session.

/// What stands for no value; it has a bit that no value has.
const NONE: u8 = 0xff;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The value of each character, or [`NONE`].
#[expect(clippy::indexing_slicing, reason = "would not compile if it panicked")]
static VALUES: [u8; 256] = {
    let mut values = [NONE; 256];
    let mut value = 0;
    while value < ALPHABET.len() {
        values[ALPHABET[value] as usize] = value as u8;
        value += 1;
    }
    values
};

/// Decodes exactly `N` bytes. `None`: another length, another character, or bits at the end that are not zero. What is
/// in `into` is then nothing, and the caller's to wipe.
#[inline]
pub(crate) fn decode<const N: usize>(text: &[u8], into: &mut [u8; N]) -> Option<()> {
    if text.len() != const { N.saturating_mul(4).div_ceil(3) } {
        return None;
    }
    // Faults are collected and looked at once: a good text has none, so there is nothing to hurry for.
    let mut seen = 0;
    let mut value = |character: u8| {
        let value = VALUES.get(usize::from(character)).copied().unwrap_or(NONE);
        seen |= value;
        u32::from(value)
    };
    let (quads, rest) = text.as_chunks::<4>();
    let (triples, tail) = into.as_chunks_mut::<3>();
    for ([a, b, c, d], triple) in quads.iter().zip(triples) {
        let bits = value(*a) << 18 | value(*b) << 12 | value(*c) << 6 | value(*d);
        let [_, x, y, z] = bits.to_be_bytes();
        *triple = [x, y, z];
    }
    // At most three characters are left, for two bytes.
    let bits = rest.iter().fold(0, |bits, character| bits << 6 | value(*character));
    let used = rest.len().wrapping_mul(6);
    // The first of them to the left; without one there is nothing to shift.
    let left = bits.checked_shl(32_u32.wrapping_sub(used as u32)).unwrap_or(0).to_be_bytes();
    for (to, from) in tail.iter_mut().zip(left) {
        *to = from;
    }
    let trailing = bits & (1_u32 << (used % 8)).wrapping_sub(1);
    (seen < 64 && trailing == 0).then_some(())
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    use proptest::prelude::*;

    use super::*;

    fn both<const N: usize>(text: &[u8]) -> (Option<[u8; N]>, Option<[u8; N]>) {
        let mut bytes = [0; N];
        let ours = decode(text, &mut bytes).map(|()| bytes);
        let theirs = URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| bytes.try_into().ok());
        (ours, theirs)
    }

    fn every_change<const N: usize>(text: &str) {
        let (ours, theirs) = both::<N>(text.as_bytes());
        assert!(ours.is_some() && ours == theirs, "{text}");
        for at in 0..text.len() {
            for to in 0..=u8::MAX {
                let mut text = text.as_bytes().to_vec();
                text[at] = to;
                let (ours, theirs) = both::<N>(&text);
                assert_eq!(ours, theirs, "{text:?}");
            }
        }
    }

    /// A second spelling of an id or a secret would be a second cookie of one session.
    #[test]
    fn every_single_fault_is_found() {
        every_change::<24>(&URL_SAFE_NO_PAD.encode([0x5a; 24]));
        every_change::<31>(&URL_SAFE_NO_PAD.encode([0xfb; 31]));
        every_change::<32>(&URL_SAFE_NO_PAD.encode([0xc3; 32]));
    }

    proptest! {
        #[test]
        fn any_text_is_read_as_the_engine_reads_it(text in "[A-Za-z0-9_-]{32}|[A-Za-z0-9_-]{41,44}|.{0,50}") {
            let text = text.as_bytes();
            let (ours, theirs) = both::<24>(text);
            prop_assert_eq!(ours, theirs);
            let (ours, theirs) = both::<31>(text);
            prop_assert_eq!(ours, theirs);
            let (ours, theirs) = both::<32>(text);
            prop_assert_eq!(ours, theirs);
        }
    }
}

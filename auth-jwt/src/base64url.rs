//! Canonical base64url without padding (RFC 7515 section 2, RFC 4648 sections 3.5 and 5).
//!
//! What is short, as signatures and ids are, and what a vector leaves over are done here, three bytes at a time:
//! calling the engine costs more than the work. Tests compare both on every length and every single fault.
//!
//! # Why the engine with `unsafe` in it may read what strangers send
//!
//! The feature `simd-unsafe` of `base64` brings one module with `unsafe` code; the rest of that crate denies it. A
//! mistake there could do three things, and this is why it does none:
//!
//! - *Instructions that the processor lacks.* Only `Simd` is used, which asks the processor when it is made and
//!   otherwise is the portable engine. `Avx2` and `Neon`, which do not ask, are named nowhere here.
//! - *Memory that is not its own.* Its loops load and store through pointers, each time behind a comparison of
//!   the place with the length of the slice, and at places that depend on lengths alone: no byte of the text is an
//!   address or an offset, and the tables are looked up within a register. So whether an access is in bounds depends on
//!   two lengths, and the tests go through these, with room that is exact, ample and short (`every_length_..`). Both are
//!   capped before: text by the length of a token or a JWS, room by what the text decodes to.
//! - *A wrong answer*, which would give a token a second spelling. A block with a character of another alphabet is left
//!   to the portable code, as is the end of each text with its bits that have to be zero. Tests compare with that code on
//!   every length, on every single fault and on any text (`every_single_fault_is_found`, `any_text_is_read_..`).
//!
//! No private key comes here: those are decoded in constant time, by another crate. On processors of other kinds there
//! is no such module at all.

use std::sync::LazyLock;

use base64::{Engine, engine::general_purpose::NO_PAD};

// SIMD where the processor has it; the engine itself falls back to the portable code.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
static ENGINE: LazyLock<base64::engine::Simd> = LazyLock::new(|| base64::engine::Simd::url_safe(NO_PAD));

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
static ENGINE: LazyLock<base64::engine::GeneralPurpose> =
    LazyLock::new(|| base64::engine::GeneralPurpose::new(&base64::alphabet::URL_SAFE, NO_PAD));

/// How many bytes `len` characters stand for, rounded up.
pub(crate) const fn decoded_len(len: usize) -> usize {
    // len / 4 * 3 and the rest; written so that it cannot overflow for any length.
    (len / 4).saturating_mul(3).saturating_add(len % 4)
}

/// How many characters `len` bytes become.
pub(crate) const fn encoded_len(len: usize) -> usize {
    (len / 3).saturating_mul(4).saturating_add(match len % 3 {
        0 => 0,
        rest => rest.saturating_add(1),
    })
}

/// Decodes into the beginning of `into`. `None`: another alphabet, padding, white space, trailing bits that
/// are not zero, an impossible length, or no room.
#[inline]
pub(crate) fn decode<'a>(text: &str, into: &'a mut [u8]) -> Option<&'a [u8]> {
    let len = if text.len() < ENGINE_MIN {
        decode_short(text.as_bytes(), into)?
    } else {
        ENGINE.decode_slice(text, into).ok()?
    };
    into.get(..len)
}

/// Appends the text form of `bytes`.
pub(crate) fn encode_to(bytes: &[u8], text: &mut String) {
    let mut room = [0; encoded_len(ENGINE_MIN_ENCODE)];
    match room.get_mut(..encoded_len(bytes.len())) {
        Some(room) => {
            encode_short(bytes, room);
            text.push_str(std::str::from_utf8(room).unwrap_or_default());
        }
        None => ENGINE.encode_string(bytes, text),
    }
}

/// Appends the text form of `bytes` to what will become a text.
#[inline]
pub(crate) fn encode_to_bytes(bytes: &[u8], text: &mut Vec<u8>) {
    let from = text.len();
    text.resize(from.saturating_add(encoded_len(bytes.len())), 0);
    let room = text.get_mut(from..).unwrap_or_default();
    if bytes.len() < ENGINE_MIN_ENCODE {
        encode_short(bytes, room);
    } else {
        // The room is what it asks for.
        let written = ENGINE.encode_slice(bytes, room).unwrap_or(0);
        text.truncate(from.saturating_add(written));
    }
}

/// Texts from this length on are the engine's, for its vectors then pay.
const ENGINE_MIN: usize = 68;
/// As many bytes and more are the engine's to encode.
const ENGINE_MIN_ENCODE: usize = 128;
/// What stands for no value; it has a bit that no four values have together.
const NONE: u32 = 1 << 24;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The value of each character, or [`NONE`]: where it belongs among the 24 bits of four, for the first of them, the
/// second, the third and the fourth. What is shifted here need not be shifted for each character.
static VALUES: [[u32; 256]; 4] = [values(18), values(12), values(6), values(0)];

#[expect(clippy::indexing_slicing, reason = "would not compile if it panicked")]
const fn values(shift: u32) -> [u32; 256] {
    let mut values = [NONE; 256];
    let mut value = 0;
    while value < ALPHABET.len() {
        values[ALPHABET[value] as usize] = (value as u32).wrapping_shl(shift);
        value = value.wrapping_add(1);
    }
    values
}

/// The 24 bits of four characters, and [`NONE`] if one of them is of another alphabet.
#[inline(always)]
fn quad(characters: [u8; 4]) -> u32 {
    let mut bits = 0;
    for (values, character) in VALUES.iter().zip(characters) {
        bits |= values.get(usize::from(character)).copied().unwrap_or(NONE);
    }
    bits
}

/// Decodes without the engine, and yields how many bytes it were. What is behind them may be overwritten.
#[inline(always)]
fn decode_short(text: &[u8], into: &mut [u8]) -> Option<usize> {
    let (octets, rest) = text.as_chunks::<8>();
    // Faults are collected and looked at once: a good text has none, so there is nothing to hurry for.
    let mut seen = 0;
    let mut len: usize = 0;
    for [a, b, c, d, e, f, g, h] in octets {
        let (high, low) = (quad([*a, *b, *c, *d]), quad([*e, *f, *g, *h]));
        seen |= high | low;
        let bytes = (u64::from(high) << 40 | u64::from(low) << 16).to_be_bytes();
        // Whole words where there is room: what reads them next waits for narrower ones.
        match into.get_mut(len..)?.first_chunk_mut() {
            Some(word) => *word = bytes,
            None => into.get_mut(len..len.wrapping_add(6))?.copy_from_slice(bytes.first_chunk::<6>()?),
        }
        len = len.wrapping_add(6);
    }
    // At most seven characters are left. What of their bits is no whole byte must be zero, and less than a
    // character.
    let bits = rest.iter().fold(0, |bits: u64, character| {
        let value = quad([b'A', b'A', b'A', *character]);
        seen |= value;
        bits << 6 | u64::from(value)
    });
    let used = rest.len().wrapping_mul(6);
    let (bytes, trailing) = (used / 8, used % 8);
    if trailing == 6 || bits & (1u64 << trailing).wrapping_sub(1) != 0 || seen & NONE != 0 {
        return None;
    }
    // The first of them to the left; without one there is nothing to shift.
    let last = bits.checked_shl(64u32.wrapping_sub(used as u32)).unwrap_or(0).to_be_bytes();
    let end = len.wrapping_add(bytes);
    for (to, from) in into.get_mut(len..end)?.iter_mut().zip(last) {
        *to = from;
    }
    Some(end)
}

/// Encodes without the engine, into exactly as much room as it takes.
#[inline]
fn encode_short(bytes: &[u8], into: &mut [u8]) {
    let character = |bits: u32| ALPHABET.get((bits & 0x3f) as usize).copied().unwrap_or_default();
    let (triples, rest) = bytes.as_chunks::<3>();
    let (quads, tail) = into.as_chunks_mut::<4>();
    for ([a, b, c], quad) in triples.iter().zip(quads) {
        let bits = u32::from_be_bytes([0, *a, *b, *c]);
        *quad = [character(bits >> 18), character(bits >> 12), character(bits >> 6), character(bits)];
    }
    let (a, b) = (rest.first().copied().unwrap_or(0), rest.get(1).copied().unwrap_or(0));
    let bits = u32::from_be_bytes([0, a, b, 0]);
    for (to, shift) in tail.iter_mut().zip([18, 12, 6]) {
        *to = character(bits >> shift);
    }
}

#[cfg(test)]
mod tests;

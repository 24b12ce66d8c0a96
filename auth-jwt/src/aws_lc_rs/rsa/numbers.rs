//! The numbers of a key that AWS-LC has made, which it gives away in DER only.

use ::aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    rsa::KeyPair,
};
use zeroize::Zeroizing;

use crate::key::RsaPrivate;

const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;
const SEQUENCE: u8 = 0x30;

/// The numbers in `PrivateKeyInfo` (RFC 5208 section 5) and `RSAPrivateKey` (RFC 8017 appendix A.1.2).
pub(super) fn of(pair: &KeyPair) -> Option<Box<RsaPrivate>> {
    let document: Pkcs8V1Der<'_> = pair.as_der().ok()?;
    let mut outer = document.as_ref();
    let mut info = next(&mut outer, SEQUENCE)?;
    let _version = next(&mut info, INTEGER)?;
    let _algorithm = next(&mut info, SEQUENCE)?;
    let mut key = next(&mut info, OCTET_STRING)?;
    let mut key = next(&mut key, SEQUENCE)?;
    let _version = next(&mut key, INTEGER)?;
    let mut number = || {
        let number = next(&mut key, INTEGER)?;
        Some(Zeroizing::new(number.strip_prefix(&[0]).unwrap_or(number).to_vec()))
    };
    Some(Box::new(RsaPrivate {
        modulus: number()?.to_vec(),
        exponent: number()?.to_vec(),
        d: number()?,
        p: number()?,
        q: number()?,
        dp: number()?,
        dq: number()?,
        qi: number()?,
    }))
}

/// The content of the first element, which is then gone from `input`.
fn next<'a>(input: &mut &'a [u8], tag: u8) -> Option<&'a [u8]> {
    let (found, rest) = input.split_first()?;
    let (len, rest) = match rest {
        [len @ 0..=0x7f, rest @ ..] => (usize::from(*len), rest),
        [0x81, len, rest @ ..] => (usize::from(*len), rest),
        [0x82, high, low, rest @ ..] => (usize::from(u16::from_be_bytes([*high, *low])), rest),
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(len)?;
    *input = rest;
    (*found == tag).then_some(content)
}

//! scrypt (RFC 7914).

use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use scrypt::Params;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::hash::{
    field::{Field, decimal, named},
    hasher::HashError,
    memory::OutOfMemory,
    phc::StoredHashError,
};

const MIN_TAG_LEN: usize = 16;

/// N, as its base 2 logarithm, r and p.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cost {
    log_n: u8,
    r: u32,
    p: u32,
}

impl Cost {
    pub(super) const MAX_MEMORY_KIB: u32 = 262_144;
    pub(super) const MAX_WORK: u64 = 4 << 20;
    const MAX_LOG_N: u32 = 20;
    const MAX_R: u32 = 32;
    const MAX_P: u32 = 16;

    pub(super) fn new(log_n: u32, r: u32, p: u32) -> Option<Self> {
        let fits = (1..=Self::MAX_LOG_N).contains(&log_n)
            && (1..=Self::MAX_R).contains(&r)
            && (1..=Self::MAX_P).contains(&p);
        let cost = Self { log_n: u8::try_from(log_n).ok()?, r, p };
        (fits && cost.memory_kib() <= Self::MAX_MEMORY_KIB.into() && cost.work() <= Self::MAX_WORK)
            .then_some(cost)
    }

    /// Blocks of 128 bytes that are gone over once: the time that it takes, in a unit that no machine changes.
    pub(super) const fn work(self) -> u64 {
        self.lane().saturating_mul(self.p as u64)
    }

    /// The work of one of the p lanes, which are worked off one after the other in the same memory.
    const fn lane(self) -> u64 {
        (1_u64 << (self.log_n & 31)).saturating_mul(self.r as u64)
    }

    /// 128 x N x r bytes.
    const fn memory_kib(self) -> u64 {
        self.lane().div_ceil(8)
    }
}

#[derive(Clone)]
pub(super) struct Hash {
    pub(super) cost: Cost,
    salt: Field,
    tag: Field,
}

impl Hash {
    /// Reads `ln=..,r=..,p=..$<salt>$<tag>`, which follow `$scrypt$` in a PHC string.
    pub(super) fn parse_phc(text: &str) -> Result<Self, StoredHashError> {
        let mut parts = text.split('$');
        let (Some(params), Some(salt), Some(tag), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(StoredHashError::Malformed);
        };
        let mut params = params.split(',');
        let mut next = |name: &str| decimal(named(params.next(), name)?);
        let (log_n, r, p) = (next("ln=")?, next("r=")?, next("p=")?);
        if params.next().is_some() {
            return Err(StoredHashError::Malformed);
        }
        let cost = Cost::new(log_n, r, p).ok_or(StoredHashError::HashParamsOutOfBounds)?;
        let salt = Field::decode(&STANDARD_NO_PAD, salt, 0)?;
        Ok(Self { cost, salt, tag: Field::decode(&STANDARD_NO_PAD, tag, MIN_TAG_LEN)? })
    }

    /// Reads `<N>$<salt>$<r>$<p>$<tag>`, which follow `scrypt$` in Django. The salt is text.
    pub(super) fn parse_django(text: &str) -> Result<Self, StoredHashError> {
        let mut parts = text.split('$');
        let (Some(n), Some(salt), Some(r), Some(p), Some(tag), None) =
            (parts.next(), parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(StoredHashError::Malformed);
        };
        let (n, r, p) = (decimal(n)?, decimal(r)?, decimal(p)?);
        let log_n = n.checked_ilog2().filter(|_| n.is_power_of_two());
        let cost = log_n.and_then(|log_n| Cost::new(log_n, r, p));
        let cost = cost.ok_or(StoredHashError::HashParamsOutOfBounds)?;
        if salt.len() > Field::MAX_LEN {
            return Err(StoredHashError::HashParamsOutOfBounds);
        }
        let salt = Field::of(salt.as_bytes());
        Ok(Self { cost, salt, tag: Field::decode(&STANDARD, tag, MIN_TAG_LEN)? })
    }

    pub(super) fn is_of(&self, password: &[u8]) -> Result<bool, HashError> {
        let mut buffer = Zeroizing::new([0; Field::MAX_LEN]);
        let tag = self.tag.as_slice();
        let computed = buffer.get_mut(..tag.len()).ok_or(HashError::Aborted)?;
        compute(self.cost, password, self.salt.as_slice(), computed)?;
        // The key of HMAC is filled up with NULs: with some at its end, another password is the same.
        Ok(bool::from(computed.ct_eq(tag)) & !password.ends_with(&[0]))
    }
}

/// Computes as much as `done` lacks to a hash of cost `most`, but for a sixteenth, in no more memory than that.
pub(super) fn make_up(most: Cost, done: u64, password: &[u8]) -> Result<(), HashError> {
    for cost in missing(most, done) {
        let mut unused = Zeroizing::new([0; 16]);
        compute(cost, password, b"-", unused.as_mut_slice())?;
        std::hint::black_box(&unused);
    }
    Ok(())
}

/// Costs that add up to what is missing: as many lanes as fit, then lanes of half the size, and so on.
fn missing(most: Cost, done: u64) -> impl Iterator<Item = Cost> {
    let mut missing = most.work().saturating_sub(done);
    let close = most.work().div_ceil(16);
    (1..=most.log_n).rev().filter_map(move |log_n| {
        let lane = Cost { log_n, p: 1, ..most };
        let lanes = missing.checked_div(lane.lane()).unwrap_or_default().min(Cost::MAX_P.into());
        if missing < close || lanes == 0 {
            return None;
        }
        missing = missing.saturating_sub(lane.lane().saturating_mul(lanes));
        Some(Cost { p: u32::try_from(lanes).ok()?, ..lane })
    })
}

fn compute(cost: Cost, password: &[u8], salt: &[u8], tag: &mut [u8]) -> Result<(), HashError> {
    let params = Params::new(cost.log_n, cost.r, cost.p).map_err(|_| HashError::Aborted)?;
    // The crate would end the process where the allocator refuses: so it is asked for the same first.
    let mut memory = Vec::<u8>::new();
    let bytes = usize::try_from(cost.memory_kib().saturating_mul(1024)).map_err(|_| OutOfMemory)?;
    memory.try_reserve_exact(bytes).map_err(|_| OutOfMemory)?;
    drop(std::hint::black_box(memory));
    scrypt::scrypt(password, salt, &params, tag).map_err(|_| HashError::Aborted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tag(password: &str, salt: &str, (log_n, r, p): (u32, u32, u32)) -> String {
        let mut tag = [0; 64];
        let cost = Cost::new(log_n, r, p).unwrap();
        compute(cost, password.as_bytes(), salt.as_bytes(), &mut tag).unwrap();
        tag.map(|byte| format!("{byte:02x}")).concat()
    }

    /// RFC 7914 section 12. Its last one, in 1 GiB, is beyond the bounds.
    #[test]
    fn the_vectors_of_rfc_7914_hold() {
        assert_eq!(
            tag("", "", (4, 1, 1)),
            "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442\
             fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906"
        );
        assert_eq!(
            tag("password", "NaCl", (10, 8, 16)),
            "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162\
             2eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640"
        );
        assert_eq!(
            tag("pleaseletmein", "SodiumChloride", (14, 8, 1)),
            "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2\
             d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887"
        );
        assert_eq!(Cost::new(20, 8, 1), None);
    }

    /// It begins with PBKDF2, whose HMAC fills its key up with NULs.
    #[test]
    fn a_password_that_ends_in_nul_is_never_right() {
        let cost = Cost::new(1, 1, 1).unwrap();
        for (short, long) in [("a", "a\0"), ("", "\0"), ("a\0b", "a\0b\0\0")] {
            let mut computed = [0; 32];
            compute(cost, short.as_bytes(), b"salt", &mut computed).unwrap();
            let hash = Hash { cost, salt: Field::of(b"salt"), tag: Field::of(&computed) };
            assert!(
                hash.is_of(short.as_bytes()).unwrap() && !hash.is_of(long.as_bytes()).unwrap(),
                "{long:?}"
            );
        }
    }

    const TAG: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    /// A stored hash is input: nothing is allocated for one that would take all memory.
    #[test]
    fn what_asks_for_too_much_or_is_no_hash_of_scrypt_is_refused() {
        let phc = |params: &str| Hash::parse_phc(&format!("{params}$c2FsdA${TAG}")).err();
        assert_eq!(phc("ln=17,r=8,p=1"), None);
        for params in [
            "ln=0,r=8,p=1",
            "ln=18,r=16,p=1",
            "ln=20,r=8,p=1",
            "ln=63,r=8,p=1",
            "ln=4294967295,r=8,p=1",
            "ln=14,r=4294967295,p=1",
            "ln=14,r=8,p=1073741823",
            "ln=14,r=8,p=99999999999999999999",
            "ln=17,r=8,p=5",
        ] {
            assert_eq!(phc(params), Some(StoredHashError::HashParamsOutOfBounds), "{params}");
        }
        for params in ["ln=14,r=8", "r=8,ln=14,p=1", "ln=014,r=8,p=1", "ln=14,r=8,p=1,x=1", ""] {
            assert_eq!(phc(params), Some(StoredHashError::Malformed), "{params}");
        }

        let django = |text: &str| Hash::parse_django(&text.replace("TAG", &format!("{TAG}="))).err();
        assert_eq!(django("16384$salt$8$5$TAG"), None);
        for text in ["16383$s$8$1$TAG", "0$s$8$1$TAG", "1$s$8$1$TAG", "16384$s$8$99$TAG", "16384$s$8$1$AAAA"]
        {
            assert_eq!(django(text), Some(StoredHashError::HashParamsOutOfBounds), "{text}");
        }
        for text in ["16384$s$8$TAG", "16384$s$8$1$TAG$", "16384$s$8$1$TA\u{e9}", "x$s$8$1$TAG"] {
            assert_eq!(django(text), Some(StoredHashError::Malformed), "{text}");
        }
    }

    proptest! {
        /// A cheaper hash and its make-up work cost what the dearest costs.
        #[test]
        fn the_missing_work_is_made_up(most in (1_u32..=20, 1_u32..=32, 1_u32..=16), done in 0_u64..(5 << 20)) {
            if let Some(most) = Cost::new(most.0, most.1, most.2) {
                let made_up: u64 = missing(most, done).map(Cost::work).sum();
                let missing = most.work().saturating_sub(done);
                prop_assert!(made_up <= missing);
                prop_assert!(missing - made_up <= most.work().div_ceil(16).max(2 * u64::from(most.r)));
                for cost in super::missing(most, done) {
                    prop_assert!(cost.memory_kib() <= most.memory_kib() && cost.p <= Cost::MAX_P);
                }
            }
        }
    }
}

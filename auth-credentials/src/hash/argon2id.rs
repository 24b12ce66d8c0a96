//! Hashes by Argon2id, as they are stored.

use std::fmt::Write;

use auth_core::Secret;
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use zeroize::Zeroizing;

use super::{
    field::{Field, decimal, named},
    params::Argon2Params,
    phc::{PasswordHash, StoredHashError},
};

/// The id of the key of a [`KeyRing`](auth_core::KeyRing) that a password was keyed with.
pub(super) type PepperId = [u8; 8];

#[derive(Clone)]
pub(super) struct Argon2Hash {
    pub(super) params: Argon2Params,
    salt: Field,
    tag: Field,
    pub(super) pepper: Option<PepperId>,
    /// Whether Django wrote it, with the name of its hasher before it.
    pub(super) of_django: bool,
}

impl Argon2Hash {
    const MIN_SALT_LEN: usize = 8;
    const MIN_TAG_LEN: usize = 16;
    /// What Django's hasher writes before the PHC string.
    const DJANGO: &str = "argon2";

    pub(super) fn new(
        params: Argon2Params,
        salt: [u8; PasswordHash::SALT_LEN],
        tag: [u8; PasswordHash::TAG_LEN],
        pepper: Option<PepperId>,
    ) -> Self {
        Self { params, salt: Field::of(&salt), tag: Field::of(&tag), pepper, of_django: false }
    }

    /// Reads a PHC string.
    pub(super) fn parse(stored: &str) -> Result<Self, StoredHashError> {
        let mut parts = stored.split('$');
        let mut next = || parts.next().ok_or(StoredHashError::Malformed);
        if !next()?.is_empty() {
            return Err(StoredHashError::Malformed);
        }
        if next()? != "argon2id" || next()? != "v=19" {
            return Err(StoredHashError::Algorithm);
        }
        let (params, salt, tag) = (next()?, next()?, next()?);
        if parts.next().is_some() {
            return Err(StoredHashError::Malformed);
        }
        let (params, pepper) = parse_params(params)?;
        Ok(Self {
            params,
            salt: Field::decode(&STANDARD_NO_PAD, salt, Self::MIN_SALT_LEN)?,
            tag: Field::decode(&STANDARD_NO_PAD, tag, Self::MIN_TAG_LEN)?,
            pepper,
            of_django: false,
        })
    }

    /// The same, as Django wrote it.
    #[cfg(feature = "import")]
    pub(super) fn parse_django(stored: &str) -> Result<Self, StoredHashError> {
        let phc = stored.strip_prefix(Self::DJANGO).ok_or(StoredHashError::Malformed)?;
        Ok(Self { of_django: true, ..Self::parse(phc)? })
    }

    /// The stored form.
    pub(super) fn expose(&self) -> Secret {
        let (memory_kib, passes, lanes) =
            (self.params.memory_kib(), self.params.passes(), self.params.lanes());
        let salt = STANDARD_NO_PAD.encode(self.salt());
        let tag = Zeroizing::new(STANDARD_NO_PAD.encode(self.tag()));
        let mut phc = String::with_capacity(PasswordHash::MAX_PHC_LEN);
        if self.of_django {
            phc.push_str(Self::DJANGO);
        }
        // Writing to a string cannot fail; it is large enough, so no copy stays behind in a smaller one.
        let _ = write!(phc, "$argon2id$v=19$m={memory_kib},t={passes},p={lanes}");
        if let Some(id) = self.pepper {
            let _ = write!(phc, ",keyid={}", STANDARD_NO_PAD.encode(id));
        }
        let _ = write!(phc, "${salt}${}", tag.as_str());
        Secret::from(phc)
    }

    pub(super) fn salt(&self) -> &[u8] {
        self.salt.as_slice()
    }

    pub(super) fn tag(&self) -> &[u8] {
        self.tag.as_slice()
    }
}

/// Reads `m=..,t=..,p=..` and, if it is there, `keyid=..`, in that order.
fn parse_params(text: &str) -> Result<(Argon2Params, Option<PepperId>), StoredHashError> {
    let mut parts = text.split(',');
    let mut next = |name: &str| decimal(named(parts.next(), name)?);
    let (memory_kib, passes, lanes) = (next("m=")?, next("t=")?, next("p=")?);
    let pepper = match parts.next() {
        Some(part) => {
            let id = Field::decode(&STANDARD_NO_PAD, named(Some(part), "keyid=")?, 0)?;
            Some(id.as_slice().try_into().map_err(|_| StoredHashError::Malformed)?)
        }
        None => None,
    };
    if parts.next().is_some() {
        return Err(StoredHashError::Malformed);
    }
    let params = Argon2Params::within_bounds(memory_kib, passes, lanes);
    Ok((params.ok_or(StoredHashError::HashParamsOutOfBounds)?, pepper))
}

#[cfg(test)]
mod tests {
    use argon2::{Algorithm, Argon2, AssociatedData, ParamsBuilder, Version};

    /// RFC 9106 section 5.3. It has a secret and associated data, which no hash of ours has: so it is put to the function
    /// itself.
    #[test]
    fn the_vector_of_rfc_9106_holds() {
        let data = AssociatedData::new(&[4; 12]).unwrap();
        let params = ParamsBuilder::new().m_cost(32).t_cost(3).p_cost(4).data(data).build().unwrap();
        let argon2 = Argon2::new_with_secret(&[3; 8], Algorithm::Argon2id, Version::V0x13, params).unwrap();
        let mut tag = [0; 32];
        argon2.hash_password_into(&[1; 32], &[2; 16], &mut tag).unwrap();
        assert_eq!(
            tag.map(|byte| format!("{byte:02x}")).concat(),
            "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659"
        );
    }
}

//! Revocations as rows, whatever database they are in.

use auth_core::{StoreError, UnixTime};
use auth_jwt::{Issuer, LoadEach, Revocation, RevocationKind, RevocationRecord};
use sha2::{Digest, Sha256};

use crate::fields::{Columns, Fields};

/// How many rows are read at a time. A name may have 64 KiB.
pub(crate) const PAGE: u32 = 500;

/// Adds a row; what is to become of one that there is follows.
macro_rules! insert {
    () => {
        "INSERT INTO auth_revocations (hash, issuer, kind, name, date, ends_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
    };
}
pub(crate) use insert;

/// Rows that have ended are read too: to pass over them here could take a statement longer than it may, where many were
/// not purged.
macro_rules! page {
    ($from:literal) => {
        concat!(
            "SELECT hash, issuer, kind, name, date, ends_at FROM auth_revocations WHERE ",
            $from,
            " ORDER BY hash LIMIT ?2"
        )
    };
}

/// The first page: also a row whose hash is as short as can be, so that it is noticed.
const FIRST: &str = page!("hash >= ?1");

const NEXT: &str = page!("hash > ?1");

#[cfg(all(test, feature = "sqlite"))]
pub(crate) const ALL: &[&str] = &[FIRST, NEXT];

/// The key of a row, which is another one for each issuer, kind and name.
pub(crate) fn hash(revocation: &Revocation) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in [revocation.issuer().as_str(), revocation.kind().as_str(), revocation.name()] {
        // With its length, so that no two of them run together to the same.
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

/// Up to where the rows have been read.
pub(crate) struct Cursor(Option<[u8; 32]>);

impl Cursor {
    pub(crate) const fn start() -> Self {
        Self(None)
    }

    /// The statement that reads on.
    pub(crate) const fn text(&self) -> &'static str {
        if self.0.is_none() { FIRST } else { NEXT }
    }

    /// Its first value; the second one is [`PAGE`].
    pub(crate) fn hash(&self) -> &[u8] {
        self.0.as_ref().map_or(&[], |hash| hash)
    }

    /// Hands over those of a page that have not ended. `None` behind the last page.
    pub(crate) fn hand_over<R: Columns>(
        self,
        rows: Vec<R>,
        now: UnixTime,
        each: &mut LoadEach<'_>,
    ) -> Result<Option<Self>, StoreError> {
        let (read, mut last) = (rows.len(), self.0);
        for row in rows {
            let row = Fields(row);
            last = Some(row.array("hash")?);
            if row.time("ends_at")? > now {
                each(record(&row)?)?;
            }
        }
        let is_full = u32::try_from(read).is_ok_and(|read| read >= PAGE);
        Ok(is_full.then_some(Self(last)))
    }
}

/// What a row says. One whose hash is not that of what it says would revoke something that nobody revoked, and leave out
/// what somebody did.
fn record<R: Columns>(row: &Fields<R>) -> Result<RevocationRecord, StoreError> {
    let issuer = row.parse("issuer", |text| Issuer::new(text).ok())?;
    let kind = row.parse("kind", RevocationKind::parse)?;
    let name = row.parse_bytes("name", |bytes| String::from_utf8(bytes.to_vec()).ok())?;
    let date = row.maybe_time("date")?;
    let revocation = match (kind, date) {
        (RevocationKind::Token, date) => Revocation::token(issuer, &name, date),
        (RevocationKind::Session, None) => Revocation::session(issuer, &name),
        (RevocationKind::Subject, Some(issued_until)) => Revocation::subject(issuer, &name, issued_until),
        (RevocationKind::Session, Some(_)) | (RevocationKind::Subject, None) => {
            return Err(StoreError::corrupt("date"));
        }
    }
    .map_err(|_| StoreError::corrupt("name"))?;
    if row.array("hash")? != hash(&revocation) {
        return Err(StoreError::corrupt("hash"));
    }
    Ok(RevocationRecord { revocation, ends_at: row.time("ends_at")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows are found by it again after an update of the crate, so it must never be another. Computed elsewhere.
    #[test]
    fn the_hash_of_a_revocation_stays_what_it_is() {
        let issuer = Issuer::new("https://id.example").unwrap();
        let revocation = Revocation::token(issuer, "t1", None).unwrap();
        let hex: String = hash(&revocation).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "89e7be50940659eb2b83b8adf658a302adafea4b52e637e7b4ebc0abae85c01e");
    }
}

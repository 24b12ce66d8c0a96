//! Markers of ended epochs: `16 bytes of principal, 8 of epoch, 8 of until when it is kept`, once for each principal
//! of a shard, which is one.

use auth_core::{AuthEpoch, StoreError};

use crate::bytes::Bytes;

const ENTRY: usize = 32;

/// The epoch below which everything of a principal was ended, if a marker says so.
pub(super) fn least_epoch(marker: &[u8], principal: [u8; 16]) -> Result<Option<AuthEpoch>, StoreError> {
    let mut bytes = Bytes(marker);
    if !marker.len().is_multiple_of(ENTRY) {
        return Err(StoreError::corrupt("marker of an epoch"));
    }
    while let (Some(whose), Some(epoch), Some(_)) = (bytes.array::<16>(), bytes.u64(), bytes.u64()) {
        if whose == principal {
            return Ok(Some(AuthEpoch::new(epoch)));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_is_its_principals() {
        let entry =
            |whose: u8, epoch: u64| [vec![whose; 16], epoch.to_be_bytes().into(), vec![0; 8]].concat();
        let marker = [entry(1, 5), entry(2, u64::MAX)].concat();
        assert_eq!(least_epoch(&marker, [1; 16]).unwrap(), Some(AuthEpoch::new(5)));
        assert_eq!(least_epoch(&marker, [2; 16]).unwrap(), Some(AuthEpoch::new(u64::MAX)));
        assert_eq!(least_epoch(&marker, [3; 16]).unwrap(), None);
        assert_eq!(least_epoch(&[], [3; 16]).unwrap(), None);
        assert!(least_epoch(&marker[1..], [1; 16]).is_err());
    }
}

//! What is kept beside the id of the key that made it.

use super::{KeyRing, Purpose};

impl KeyRing {
    /// The public id of the current key: 8 bytes that are derived from it and tell nothing of it. Keep it beside what
    /// [`mac`](Self::mac) makes, where the key has to be found again without trying each.
    #[must_use]
    pub fn current_id(&self) -> [u8; 8] {
        self.current.id
    }

    /// Whether a key of this id is in the ring, current or retired.
    #[must_use]
    pub fn knows(&self, id: [u8; 8]) -> bool {
        self.all().any(|key| key.id == id)
    }

    /// As [`mac`](Self::mac), under the key of this id, current or retired; none if the ring does not have it.
    #[must_use]
    pub fn mac_by(&self, id: [u8; 8], purpose: Purpose, parts: &[&[u8]]) -> Option<[u8; 32]> {
        self.all().find(|key| key.id == id).map(|key| key.mac(purpose, parts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{KeyName, Secret};

    const A: Purpose = Purpose::new("a");

    fn secret(byte: u8) -> Secret {
        Secret::new((byte..).take(32).collect())
    }

    fn name(text: &str) -> KeyName {
        KeyName::parse(text).unwrap()
    }

    /// What is kept beside an id is found under it after a rotation, and under no other key.
    #[test]
    fn a_key_is_found_by_its_id_for_as_long_as_it_is_in_the_ring() {
        let old = KeyRing::new(name("old"), secret(1)).unwrap();
        let new = KeyRing::new(name("new"), secret(2)).unwrap();
        let both = new.clone().with_retired(name("old"), secret(1)).unwrap();
        let (id, mac) = (old.current_id(), old.mac(A, &[b"x"]));
        assert_ne!(new.current_id(), id);
        assert_eq!(both.current_id(), new.current_id());
        assert_eq!(both.mac_by(id, A, &[b"x"]), Some(mac));
        assert_eq!(both.mac_by(new.current_id(), A, &[b"x"]), Some(new.mac(A, &[b"x"])));
        assert_eq!((new.mac_by(id, A, &[b"x"]), new.knows(id), both.knows(id)), (None, false, true));
    }
}

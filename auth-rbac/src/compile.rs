//! The steps from a builder to a snapshot.

use std::{
    hash::{BuildHasher, Hasher},
    sync::atomic::{AtomicU32, Ordering},
};

use auth_core::{PolicyVersion, RoleName};
use foldhash::fast::RandomState;

use crate::{
    builder::PolicyBuilder,
    error::PolicyError,
    graph,
    principals::Principals,
    rows::Rows,
    sets::Sets,
    slots::Slots,
    snapshot::{Holding, Snapshot, Stamp},
};

pub(crate) fn compile(builder: PolicyBuilder, version: PolicyVersion) -> Result<Snapshot, PolicyError> {
    let PolicyBuilder { mut roles, mut permissions, mut principals, inheritances, rules, assignments } =
        builder;

    let parents = Rows::from_pairs(roles.len(), &inheritances);
    let order = graph::order(&parents).map_err(|path| PolicyError::Cycle {
        path: path.iter().filter_map(|role| RoleName::parse(roles.get(*role)?).ok()).collect(),
    })?;
    let rules = Rows::from_pairs(roles.len(), &rules);
    let sets = Sets::close(&order, &parents, &rules, permissions.len(), Sets::MAX_WORDS)
        .ok_or(PolicyError::TooLarge { max_bytes: Sets::MAX_WORDS.saturating_mul(size_of::<u32>()) })?;

    let held = Rows::from_pairs(principals.len(), &assignments);
    let profiles = share(&mut principals, &held, &RandomState::default());
    roles.shrink();
    permissions.shrink();
    principals.shrink();
    Ok(Snapshot { version, stamp: stamp(), principals, profiles, roles, permissions, parents, rules, sets })
}

/// Notes at every principal, whose value is its row in `held`, what it holds. The lists of roles that are
/// returned are there once each.
fn share(principals: &mut Principals, held: &Rows, hashes: &impl BuildHasher) -> Rows {
    let mut profiles = Rows::with_capacity(0, 0);
    let mut slots = Slots::new();
    principals.change_values(|principal| match held.row(principal) {
        [role] => Holding::One(*role).pack(),
        many => {
            let mut hasher = hashes.build_hasher();
            for role in many {
                hasher.write_u32(*role);
            }
            let hash = hasher.finish();
            let list = slots.find(hash, |list| profiles.row(list) == many).unwrap_or_else(|| {
                let list = u32::try_from(profiles.len()).unwrap_or(u32::MAX);
                profiles.push(many);
                slots.insert(hash, list);
                list
            });
            Holding::List(list).pack()
        }
    });
    profiles.shrink();
    profiles
}

/// Tells the snapshots of this process apart.
fn stamp() -> Stamp {
    static LAST: AtomicU32 = AtomicU32::new(0);
    Stamp(LAST.fetch_add(1, Ordering::Relaxed))
}

#[cfg(test)]
mod tests {
    use std::hash::BuildHasherDefault;

    use auth_core::PrincipalId;

    use super::*;
    use crate::sets::SameHash;

    /// A hash is no proof: lists that collide are compared.
    #[test]
    fn lists_with_the_same_hash_are_told_apart() {
        let mut principals = Principals::new();
        for n in 0..4 {
            principals.intern(&PrincipalId::local_user(&format!("user{n}")).unwrap(), 4).unwrap();
        }
        let held = Rows::from_pairs(4, &[(0, 1), (0, 2), (1, 1), (1, 3), (2, 1), (2, 2), (3, 7)]);
        let profiles = share(&mut principals, &held, &BuildHasherDefault::<SameHash>::default());
        assert_eq!(profiles.len(), 2);
        let packed: Vec<u32> = principals.iter().map(|(_, value)| value).collect();
        let list = |n| Holding::List(n).pack();
        assert_eq!(packed, [list(0), list(1), list(0), Holding::One(7).pack()]);
        assert_eq!((profiles.row(0), profiles.row(1)), (&[1, 2][..], &[1, 3][..]));
    }
}

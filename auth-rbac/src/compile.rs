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
    let profiles = share(&mut principals, &held);
    roles.shrink();
    permissions.shrink();
    principals.shrink();
    Ok(Snapshot { version, stamp: stamp(), principals, profiles, roles, permissions, parents, rules, sets })
}

/// Notes at every principal, whose value is its row in `held`, what it holds. The lists of roles that are
/// returned are there once each.
fn share(principals: &mut Principals, held: &Rows) -> Rows {
    let mut profiles = Rows::with_capacity(0, 0);
    let mut slots = Slots::new();
    let hashes = RandomState::default();
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

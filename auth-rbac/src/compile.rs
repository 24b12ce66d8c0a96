//! The steps from a builder to a snapshot.

use std::{
    hash::{BuildHasher, Hasher},
    sync::atomic::{AtomicU32, Ordering},
};

use auth_core::PolicyVersion;
use foldhash::quality::RandomState;

use crate::{
    builder::PolicyBuilder,
    error::PolicyError,
    graph,
    principals::Principals,
    rows::Rows,
    sets::Sets,
    slots::Slots,
    snapshot::{Snapshot, Stamp},
};

pub(crate) fn compile(builder: PolicyBuilder, version: PolicyVersion) -> Result<Snapshot, PolicyError> {
    let PolicyBuilder { mut roles, mut permissions, mut principals, inheritances, rules, assignments } = builder;

    let parents = Rows::from_pairs(roles.len(), &inheritances);
    let order = graph::order(&parents).map_err(|path| PolicyError::Cycle {
        path: path.iter().filter_map(|role| roles.get(*role)).cloned().collect(),
    })?;
    let rules = Rows::from_pairs(roles.len(), &rules);
    let sets = Sets::close(&order, &parents, &rules, permissions.len(), Sets::MAX_WORDS)
        .ok_or(PolicyError::TooLarge { max_bytes: Sets::MAX_WORDS.saturating_mul(size_of::<u32>()) })?;

    let profiles = share(&mut principals, &Rows::from_pairs(principals.len(), &assignments));
    roles.shrink();
    permissions.shrink();
    principals.shrink();
    Ok(Snapshot { version, stamp: stamp(), principals, profiles, roles, permissions, parents, rules, sets })
}

/// Notes at every principal what it holds: its one role, or one of the lists that are returned, each of
/// which is there once.
fn share(principals: &mut Principals, held: &Rows) -> Rows {
    let mut profiles = Rows::with_capacity(0, 0);
    let mut slots = Slots::new();
    let hashes = RandomState::default();
    for (principal, _) in (0_u32..).zip(0..held.len()) {
        match held.row(principal) {
            [role] => principals.hold_one(principal, *role),
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
                principals.hold_list(principal, list);
            }
        }
    }
    profiles.shrink();
    profiles
}

/// Tells the snapshots of this process apart.
fn stamp() -> Stamp {
    static LAST: AtomicU32 = AtomicU32::new(0);
    Stamp(LAST.fetch_add(1, Ordering::Relaxed))
}

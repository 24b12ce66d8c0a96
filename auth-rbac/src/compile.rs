//! The steps from a builder to a snapshot.

use std::{
    collections::HashMap,
    hash::{BuildHasher, Hasher},
    sync::atomic::{AtomicU32, Ordering},
};

use auth_core::{PolicyVersion, RoleName};
use foldhash::fast::RandomState;

use crate::{
    builder::{InTenant, PolicyBuilder},
    error::PolicyError,
    graph,
    members::{Member, Members},
    principals::RecordAt,
    rows::Rows,
    separation::Separations,
    sets::Sets,
    slots::Slots,
    snapshot::{Holding, Snapshot, Stamp},
};

pub(crate) fn compile(builder: PolicyBuilder, version: PolicyVersion) -> Result<Snapshot, PolicyError> {
    let PolicyBuilder {
        mut tenants,
        mut roles,
        mut permissions,
        patterns,
        mut principals,
        inheritances,
        rules,
        assignments,
        memberships,
        direct,
        direct_in,
        separations,
        ..
    } = builder;

    let mut parents = Rows::from_pairs(roles.len(), &inheritances);
    let mut order = graph::order(&parents).map_err(|path| PolicyError::Cycle {
        path: path.iter().filter_map(|role| RoleName::parse(roles.get(*role)?).ok()).collect(),
    })?;
    let separations = Separations::new(separations, &order, &parents)?;
    let expanded = patterns.expand(&permissions)?;
    let rules = expanded.apply(rules, PolicyBuilder::MAX_RULES)?;
    let mut rules = Rows::from_pairs(roles.len(), &rules);

    let holders = Holders::new(principals.len(), &[&memberships, &direct_in]);
    let mut held = assignments;
    held.extend(memberships.iter().map(|member| (holders.of(member), member.what)));
    let mut own = direct;
    own.extend(direct_in.iter().map(|member| (holders.of(member), member.what)));
    let own = Rows::from_pairs(holders.len(), &expanded.apply(own, PolicyBuilder::MAX_RULES)?);
    for (holder, nameless) in name_less(&own, roles.len(), &mut rules) {
        held.push((holder, nameless));
    }
    for nameless in parents.len()..rules.len() {
        parents.push(&[]);
        order.push(u32::try_from(nameless).unwrap_or(u32::MAX));
    }
    parents.shrink();
    rules.shrink();
    let sets = Sets::close(&order, &parents, &rules, permissions.len(), Sets::MAX_WORDS)
        .ok_or(PolicyError::TooLarge { max_bytes: Sets::MAX_BYTES })?;

    let held = Rows::from_pairs(holders.len(), &held);
    let mut profiles = Profiles::new(RandomState::default());
    let places: Vec<RecordAt> = if holders.in_tenants.is_empty() {
        Vec::new()
    } else {
        principals.iter().map(|(at, _)| at).collect()
    };
    principals.change_values(|principal| profiles.share(held.row(principal)).pack());
    let mut members = Members::new();
    for (number, (principal, space)) in (principals.len()..).zip(&holders.in_tenants) {
        let value = profiles.share(held.row(u32::try_from(number).unwrap_or(u32::MAX))).pack();
        if let Some(principal) = places.get(*principal as usize) {
            members.push(Member { principal: *principal, space: *space, value });
        }
    }
    tenants.shrink();
    roles.shrink();
    permissions.shrink();
    principals.shrink();
    let snapshot = Snapshot {
        version,
        stamp: stamp(),
        principals,
        members,
        profiles: profiles.into_rows(),
        tenants,
        roles,
        permissions,
        parents,
        rules,
        sets,
        separations,
    };
    snapshot.check_separations()?;
    Ok(snapshot)
}

/// Numbers whoever holds something: principals by their own numbers, and after them each pair of a principal and
/// a tenant that it holds something in.
struct Holders {
    principals: usize,
    /// Sorted.
    in_tenants: Vec<(u32, u32)>,
}

impl Holders {
    fn new(principals: usize, lists: &[&[InTenant]]) -> Self {
        let mut in_tenants: Vec<(u32, u32)> =
            lists.iter().copied().flatten().map(|member| (member.principal, member.space)).collect();
        in_tenants.sort_unstable();
        in_tenants.dedup();
        Self { principals, in_tenants }
    }

    fn len(&self) -> usize {
        self.principals.saturating_add(self.in_tenants.len())
    }

    fn of(&self, member: &InTenant) -> u32 {
        let place = self.in_tenants.binary_search(&(member.principal, member.space)).unwrap_or(usize::MAX);
        u32::try_from(self.principals.saturating_add(place)).unwrap_or(u32::MAX)
    }
}

/// Makes a role without a name of each distinct list of rules that holders have of their own, numbered on from
/// those with one, so that a check is the same for both. Answers who holds which.
fn name_less(own: &Rows, named: usize, rules: &mut Rows) -> Vec<(u32, u32)> {
    let mut known: HashMap<&[u32], u32, RandomState> = HashMap::default();
    let mut held = Vec::new();
    for (holder, _) in (0_u32..).zip(0..own.len()) {
        let row = own.row(holder);
        if row.is_empty() {
            continue;
        }
        let next = u32::try_from(named.saturating_add(known.len())).unwrap_or(u32::MAX);
        let nameless = *known.entry(row).or_insert_with(|| {
            rules.push(row);
            next
        });
        held.push((holder, nameless));
    }
    held
}

/// The lists of roles that are held, each kept once.
struct Profiles<S> {
    rows: Rows,
    slots: Slots,
    hashes: S,
}

impl<S: BuildHasher> Profiles<S> {
    fn new(hashes: S) -> Self {
        Self { rows: Rows::with_capacity(0, 0), slots: Slots::new(), hashes }
    }

    fn share(&mut self, roles: &[u32]) -> Holding {
        if let [role] = roles {
            return Holding::One(*role);
        }
        let mut hasher = self.hashes.build_hasher();
        for role in roles {
            hasher.write_u32(*role);
        }
        let hash = hasher.finish();
        let rows = &mut self.rows;
        Holding::List(self.slots.find(hash, |list| rows.row(list) == roles).unwrap_or_else(|| {
            let list = u32::try_from(rows.len()).unwrap_or(u32::MAX);
            rows.push(roles);
            self.slots.insert(hash, list);
            list
        }))
    }

    fn into_rows(mut self) -> Rows {
        self.rows.shrink();
        self.rows
    }
}

/// Tells the snapshots of this process apart.
fn stamp() -> Stamp {
    static LAST: AtomicU32 = AtomicU32::new(0);
    Stamp(LAST.fetch_add(1, Ordering::Relaxed))
}

#[cfg(test)]
mod tests {
    use std::hash::BuildHasherDefault;

    use super::*;
    use crate::sets::SameHash;

    /// A hash is no proof: lists that collide are compared.
    #[test]
    fn lists_with_the_same_hash_are_told_apart() {
        let mut profiles = Profiles::new(BuildHasherDefault::<SameHash>::default());
        let packed = [&[1, 2][..], &[1, 3], &[1, 2], &[7], &[]].map(|roles| profiles.share(roles).pack());
        let list = |n| Holding::List(n).pack();
        assert_eq!(packed, [list(0), list(1), list(0), Holding::One(7).pack(), list(2)]);
        let rows = profiles.into_rows();
        assert_eq!([0, 1, 2].map(|list| rows.row(list)), [&[1, 2][..], &[1, 3], &[]]);
    }

    #[test]
    fn equal_lists_of_own_rules_make_one_nameless_role() {
        let own = Rows::from_pairs(5, &[(0, 4), (0, 2), (2, 2), (2, 4), (3, 4)]);
        let mut rules = Rows::from_pairs(10, &[]);
        assert_eq!(name_less(&own, 10, &mut rules), [(0, 10), (2, 10), (3, 11)]);
        assert_eq!((rules.row(10), rules.row(11)), (&[2, 4][..], &[4][..]));
    }
}

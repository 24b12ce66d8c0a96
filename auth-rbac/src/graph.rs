//! The inheritance of roles as a graph: its order, and its cycles. Nothing recurses, so depth costs no stack.

use std::collections::HashSet;

use crate::rows::Rows;

/// Roles in an order in which every role comes after all that it inherits (Kahn, 1962).
///
/// # Errors
/// A cycle, as the path from a role back to itself: its first and last item are equal.
pub(crate) fn order(parents: &Rows) -> Result<Vec<u32>, Vec<u32>> {
    let children = children(parents);

    let mut waiting: Vec<usize> =
        (0_u32..).zip(0..parents.len()).map(|(role, _)| parents.row(role).len()).collect();
    let mut order: Vec<u32> =
        (0_u32..).zip(&waiting).filter(|(_, parents)| **parents == 0).map(|(role, _)| role).collect();
    order.reserve(waiting.len().saturating_sub(order.len()));
    let mut next = 0;
    while let Some(role) = order.get(next).copied() {
        next = next.saturating_add(1);
        for child in children.row(role) {
            if let Some(count) = waiting.get_mut(*child as usize) {
                *count = count.saturating_sub(1);
                if *count == 0 {
                    order.push(*child);
                }
            }
        }
    }
    if order.len() == waiting.len() { Ok(order) } else { Err(cycle(parents, &waiting)) }
}

/// The shortest path from one of `from` along inheritance to a role for which `found` holds: it begins with
/// that one of `from` and ends with the role. Equally short ones: the first by number.
pub(crate) fn path(parents: &Rows, from: u32, found: impl Fn(u32) -> bool) -> Option<Vec<u32>> {
    let mut came_from: Vec<Option<u32>> = vec![None; parents.len()];
    let mut queue = vec![from];
    let mut next = 0;
    while let Some(role) = queue.get(next).copied() {
        next = next.saturating_add(1);
        if found(role) {
            let mut path = vec![role];
            let mut at = role;
            // The length bounds the walk as well as `from` does.
            while at != from && path.len() <= parents.len() {
                at = came_from.get(at as usize).copied().flatten()?;
                path.push(at);
            }
            path.reverse();
            return Some(path);
        }
        for parent in parents.row(role) {
            if let Some(origin @ None) = came_from.get_mut(*parent as usize) {
                *origin = Some(role);
                queue.push(*parent);
            }
        }
    }
    None
}

/// The roles of `from` and all that they inherit, sorted. Takes time and memory for those alone, however many others
/// there are: a request may ask for it.
pub(crate) fn reached(parents: &Rows, from: impl Iterator<Item = u32>) -> Vec<u32> {
    let mut met = HashSet::with_hasher(foldhash::fast::RandomState::default());
    let mut all = Vec::new();
    let mut meet = |role: u32, all: &mut Vec<u32>| {
        if (role as usize) < parents.len() && met.insert(role) {
            all.push(role);
        }
    };
    from.for_each(|role| meet(role, &mut all));
    let mut next = 0;
    while let Some(role) = all.get(next).copied() {
        next = next.saturating_add(1);
        parents.row(role).iter().for_each(|parent| meet(*parent, &mut all));
    }
    all.sort_unstable();
    all
}

/// A role and all that inherit it, sorted.
pub(crate) fn heirs(parents: &Rows, of: u32) -> Vec<u32> {
    reached(&children(parents), std::iter::once(of))
}

fn children(parents: &Rows) -> Rows {
    let pairs: Vec<(u32, u32)> = (0_u32..)
        .zip(0..parents.len())
        .flat_map(|(role, _)| parents.row(role).iter().map(move |parent| (*parent, role)))
        .collect();
    Rows::from_pairs(parents.len(), &pairs)
}

/// A cycle among the roles that were left waiting. Each of them waits for another, so walking on from any
/// comes back to a role that was met before.
fn cycle(parents: &Rows, waiting: &[usize]) -> Vec<u32> {
    let is_left = |role: &u32| waiting.get(*role as usize).is_some_and(|count| *count > 0);
    let mut met: Vec<Option<usize>> = vec![None; waiting.len()];
    let mut walk = Vec::new();
    let mut at = (0_u32..).zip(0..waiting.len()).map(|(role, _)| role).find(is_left);
    while let Some(role) = at {
        match met.get_mut(role as usize) {
            Some(Some(first)) => {
                let mut path = walk.split_off(*first);
                path.push(role);
                return path;
            }
            Some(place) => *place = Some(walk.len()),
            None => break,
        }
        walk.push(role);
        at = parents.row(role).iter().copied().find(is_left);
    }
    walk
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(count: usize, edges: &[(u32, u32)]) -> Rows {
        Rows::from_pairs(count, edges)
    }

    #[test]
    fn every_role_comes_after_what_it_inherits() {
        let edges = [(0, 1), (0, 2), (1, 3), (2, 3), (4, 0)];
        let order = order(&rows(5, &edges)).unwrap();
        let place = |role| order.iter().position(|other| *other == role).unwrap();
        assert_eq!(order.len(), 5);
        assert!(edges.iter().all(|(role, parent)| place(*role) > place(*parent)));
    }

    /// A circle must neither loop nor be cut in silence; whoever wrote it has to find it.
    #[test]
    fn a_cycle_is_told_as_a_path_back_to_itself() {
        assert_eq!(order(&rows(1, &[(0, 0)])), Err(vec![0, 0]));
        assert_eq!(order(&rows(3, &[(0, 1), (1, 2), (2, 1)])), Err(vec![1, 2, 1]));
        // What merely leads into the cycle, or out of it, is no part of the path.
        let path = order(&rows(5, &[(0, 1), (1, 2), (2, 3), (3, 1), (3, 4)])).unwrap_err();
        assert_eq!(path, [1, 2, 3, 1]);
    }

    #[test]
    fn the_shortest_path_is_told() {
        let parents = rows(5, &[(0, 1), (1, 4), (0, 2), (2, 3), (3, 4)]);
        assert_eq!(path(&parents, 0, |role| role == 4), Some(vec![0, 1, 4]));
        assert_eq!(path(&parents, 0, |role| role == 0), Some(vec![0]));
        assert_eq!(path(&parents, 4, |role| role == 0), None);
    }

    #[test]
    fn what_is_reached_and_who_reaches_it_mirror_each_other() {
        let parents = rows(6, &[(0, 1), (1, 4), (0, 2), (2, 3), (3, 4)]);
        assert_eq!(reached(&parents, [2, 5, 2].into_iter()), [2, 3, 4, 5]);
        assert!(reached(&parents, std::iter::once(9)).is_empty());
        assert_eq!(heirs(&parents, 4), [0, 1, 2, 3, 4]);
        assert_eq!(heirs(&parents, 3), [0, 2, 3]);
        assert_eq!(heirs(&parents, 5), [5]);
    }

    /// A cyclic table that slipped in must not loop either.
    #[test]
    fn searching_a_cycle_ends() {
        assert_eq!(path(&rows(2, &[(0, 1), (1, 0)]), 0, |_| false), None);
        assert_eq!(path(&rows(2, &[(0, 1), (1, 0)]), 0, |role| role == 1), Some(vec![0, 1]));
    }
}

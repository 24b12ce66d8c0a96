//! Access control lists: who may do what to which one resource.

use std::fmt;

use auth_core::{AccessRequest, Action, DecideError, PolicyVersion, PrincipalId, Resource, RuleId};

use crate::{
    engine::{Engine, Model},
    explain::{Because, Explanation},
    names::Names,
    principals::Principals,
    rows::Rows,
    verdict::Verdict,
};

mod builder;
mod compile;
mod describe;
mod error;
mod explain;
mod interned;
mod kinds;
mod records;
mod resource;
mod somewhere;
mod trustee;

pub(crate) use self::somewhere::Denials;
use self::{
    builder::OwnEntry,
    compile::{EVERYONE, OWNER},
    interned::Interned,
    kinds::Kinds,
    records::{At, Key, Records},
};
pub use self::{
    builder::{AclBuilder, AclOrder},
    describe::{AclDescription, DescribedEntry},
    error::{AclCounted, AclError},
    resource::AclResource,
    trustee::{GroupId, Trustee},
};

/// Stands for no resource.
const NO_PLACE: u32 = u32::MAX;
/// Up to this many entries are read one after the other.
const SHORT: usize = 16;

/// Compiled access control lists: immutable, shared between threads, and asked without an allocation or a lock.
///
/// Made by [`AclBuilder::build`]. A check looks up the principal, the resource and the permission, and reads one
/// list: groups are closed and inheritance is written out when the lists are compiled, and equal lists are stored
/// once.
///
/// # What access control lists mean
///
/// An [`Acl`](crate::Acl) answers for one resource at a time, and is an [`Engine`](crate::Engine) that goes beside
/// roles in a [`Stack`](crate::Stack).
///
/// ```rust
/// use auth_core::{PolicyVersion, PrincipalId, Resource};
/// use auth_rbac::{AclBuilder, AclOrder, GroupId, Trustee};
///
/// auth_rbac::permissions! {
///     /// What may be done to documents.
///     pub enum Documents, mod documents {
///         /// Read it.
///         Read = "doc.read",
///         /// Change it.
///         Write = "doc.write",
///     }
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let ann = PrincipalId::local_user("ann")?;
/// let (staff, interns) = (GroupId::local("staff")?, GroupId::local("interns")?);
/// let (shelf, report) = (Resource::one("doc".parse()?, "shelf")?, Resource::one("doc".parse()?, "report")?);
///
/// let mut acl = AclBuilder::new(AclOrder::DenyOverrides);
/// acl.permissions::<Documents>()?;
/// acl.group(&staff)?.group(&interns)?.nest(&staff, &interns)?.member(&interns, &ann)?;
/// acl.resource(&shelf)?.allow(&staff, [Documents::Read])?.allow(Trustee::Owner, [Documents::Write])?;
/// acl.resource(&report)?.inside(&shelf)?.owned_by(&ann)?;
/// let acl = acl.build(PolicyVersion::new(1))?;
/// # assert_eq!(acl.permissions_on(&ann, &report).len(), 2);
/// # assert_eq!(acl.permissions_on(&ann, &shelf).len(), 1);
/// # Ok(())
/// # }
/// ```
///
/// - **An entry is for a principal, a group, the owner or everyone**, and allows or denies permissions of the
///   resource's kind: the bits of one word, so a kind has at most 64. *Everyone* is every principal that was
///   authenticated, of whatever realm. A group includes all groups inside it, to any depth; a group is named within
///   its realm.
/// - **Two orders.** [`AclOrder::DenyOverrides`](crate::AclOrder::DenyOverrides), unless you ask for the other: an
///   entry that denies beats all that allow, the owner's and an administrator's too.
///   [`AclOrder::FirstMatch`](crate::AclOrder::FirstMatch), as NFSv4 does (RFC 8881, section 6.2.1): the first
///   entry that is for the principal and speaks of the permission decides, own entries before inherited ones.
/// - **A resource inside another one inherits its list.** It can break inheritance and restore it; a resource can
///   re-apply its list to everything below, whose own entries then do not count. All of it is written out when the
///   lists are compiled, so depth costs a check nothing. Circles of resources and of groups are refused with their
///   path. What belongs to a tenant has only the same tenant's resources inside it
///   (`nothing_is_inside_a_resource_of_another_tenant`).
/// - **An owner can be locked out**, as by any denial, of all but what
///   [`AclBuilder::owner_keeps`](crate::AclBuilder::owner_keeps) names. An inherited entry for the owner is for
///   whoever owns the resource below.
/// - **A resource that is not declared has no list**, and one of another tenant is another resource.
///   `Resource::any` of a kind is a resource of its own, and no wildcard: its list speaks of what is inside it and
///   of nothing else.
pub struct Acl {
    version: PolicyVersion,
    order: AclOrder,
    /// Realms of groups and tenants of resources; their numbers begin at 1.
    realms: Names,
    kinds: Kinds,
    principals: Principals,
    /// For each principal, its list in `closed`.
    profiles: Vec<u32>,
    /// Subjects of the groups that a principal is in, those around them included, sorted.
    closed: Interned<u32>,
    /// For each principal, the groups that it is a member of itself.
    held: Rows,
    groups: Records<1>,
    group_places: Vec<At>,
    /// For each group, those that it is inside of.
    outer: Rows,
    /// With [`Value`]s.
    resources: Records<4>,
    /// Lists sorted by subject and rank.
    entries: Interned<Entry>,
    /// Lists as they were declared, to tell where an entry comes from.
    own_lists: Interned<OwnEntry>,
    sets: Interned<u32>,
}

/// One entry of a compiled list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Entry {
    subject: u32,
    /// The least decides; the lowest bit says whether it allows.
    rank: u32,
    mask: u64,
}

impl Entry {
    const fn denies(self) -> bool {
        self.rank & 1 == 0
    }
}

/// What is kept of a resource.
#[derive(Debug, Clone, Copy)]
struct Value {
    /// Its compiled list.
    list: u32,
    /// The number of the principal, from 1: 0 stands for none.
    owner: u32,
    /// From which resource it inherits, or [`NO_PLACE`].
    parent: u32,
    /// Its own list.
    own: u32,
}

impl Value {
    #[inline]
    fn is_owned_by(self, caller: Caller<'_>) -> bool {
        caller.principal.is_some_and(|number| self.owner == number.saturating_add(1))
    }
}

impl From<Value> for [u32; 4] {
    fn from(value: Value) -> Self {
        [value.list, value.owner, value.parent, value.own]
    }
}

impl From<[u32; 4]> for Value {
    #[inline]
    fn from([list, owner, parent, own]: [u32; 4]) -> Self {
        Self { list, owner, parent, own }
    }
}

/// Who asks, in numbers.
#[derive(Clone, Copy)]
struct Caller<'a> {
    /// The number of the principal, if it is named anywhere.
    principal: Option<u32>,
    groups: &'a [u32],
}

/// What decided: an entry, or what an owner keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Decided {
    at: At,
    bit: u32,
    /// The place in the resource's compiled list; `None`: the owner keeps it.
    entry: Option<usize>,
    denies: bool,
}

impl Acl {
    /// The version it was built as.
    #[must_use]
    pub fn version(&self) -> PolicyVersion {
        self.version
    }

    /// How entries are weighed.
    #[must_use]
    pub fn order(&self) -> AclOrder {
        self.order
    }

    /// The permissions that a principal has on a resource, by name: those that a check permits.
    #[must_use]
    pub fn permissions_on(&self, principal: &PrincipalId, resource: &Resource) -> Vec<Action> {
        let Some((at, kind)) = self.place(resource) else { return Vec::new() };
        let caller = self.caller(principal);
        let permits = |bit: u32| self.weigh(caller, at, kind, bit).is_some_and(|decided| !decided.denies);
        let mut permissions: Vec<Action> = self
            .kinds
            .permissions_of(kind)
            .filter(|(bit, _)| permits(*bit))
            .map(|(_, permission)| permission)
            .collect();
        permissions.sort_unstable();
        permissions
    }

    /// How much it holds.
    #[must_use]
    pub fn counts(&self) -> AclCounts {
        AclCounts {
            resources: self.resources.len(),
            kinds: self.kinds.len(),
            groups: self.groups.len(),
            principals: self.principals.len(),
            lists: self.entries.len(),
        }
    }

    /// The memory that it holds, in bytes.
    #[must_use]
    pub fn size_in_bytes(&self) -> usize {
        [
            size_of::<Self>(),
            self.realms.bytes(),
            self.kinds.heap(),
            self.principals.bytes(),
            size_of_val(self.profiles.as_slice()),
            self.closed.heap(),
            self.held.bytes(),
            self.groups.heap(),
            size_of_val(self.group_places.as_slice()),
            self.outer.bytes(),
            self.resources.heap(),
            self.entries.heap(),
            self.own_lists.heap(),
            self.sets.heap(),
        ]
        .into_iter()
        .fold(0, usize::saturating_add)
    }

    fn decide_request(&self, request: &AccessRequest<'_>) -> Option<Decided> {
        let resource = request.resource();
        let (kind, bit) = self.kinds.locate(resource.kind(), request.action().as_str())?;
        let at = self.place_of(resource, kind)?;
        self.weigh(self.caller(request.principal()), at, kind, bit)
    }

    #[inline]
    fn place(&self, resource: &Resource) -> Option<(At, u16)> {
        let kind = self.kinds.find(resource.kind())?;
        Some((self.place_of(resource, kind)?, kind))
    }

    #[inline]
    fn place_of(&self, resource: &Resource, kind: u16) -> Option<At> {
        let space = match resource.tenant() {
            None => 0,
            Some(tenant) => self.realms.find(tenant.as_str())?.saturating_add(1),
        };
        self.resources.find(Key { space, kind, id: resource.id().unwrap_or_default() })
    }

    #[inline]
    fn caller(&self, principal: &PrincipalId) -> Caller<'_> {
        let number = self.principals.find(principal).and_then(|at| self.principals.value(at));
        let profile = number.and_then(|number| self.profiles.get(number as usize));
        Caller { principal: number, groups: profile.map_or(&[], |list| self.closed.get(*list)) }
    }

    #[inline]
    fn weigh(&self, caller: Caller<'_>, at: At, kind: u16, bit: u32) -> Option<Decided> {
        let value = Value::from(self.resources.values(at)?);
        let owns = value.is_owned_by(caller);
        if owns && (self.kinds.kept(kind) >> bit) & 1 == 1 {
            return Some(Decided { at, bit, entry: None, denies: false });
        }
        let list = self.entries.get(value.list);
        let me = self.subject_of(caller);
        let (entry, deciding) = if list.len() <= SHORT {
            let is_for = |entry: &Entry| is_for(entry.subject, caller.groups, me, owns);
            first((0..).zip(list).filter(|(_, entry)| (entry.mask >> bit) & 1 == 1 && is_for(entry)))
        } else {
            let subjects = [Some(EVERYONE), owns.then_some(OWNER), me].into_iter().flatten();
            let subjects = subjects.chain(caller.groups.iter().copied());
            first(subjects.flat_map(|subject| {
                let start = list.partition_point(|entry| entry.subject < subject);
                (start..)
                    .zip(list.get(start..).unwrap_or_default())
                    .take_while(move |(_, entry)| entry.subject == subject)
                    .filter(|(_, entry)| (entry.mask >> bit) & 1 == 1)
            }))
        }?;
        Some(Decided { at, bit, entry: Some(entry), denies: deciding.denies() })
    }

    /// The number that the caller has in entries.
    #[inline]
    fn subject_of(&self, caller: Caller<'_>) -> Option<u32> {
        caller.principal.map(|number| self.first_principal().saturating_add(number))
    }

    #[inline]
    fn first_principal(&self) -> u32 {
        compile::first_principal(self.groups.len())
    }
}

/// Whether entries for a subject are for the caller, whose own number is `me`.
#[inline]
fn is_for(subject: u32, groups: &[u32], me: Option<u32>, owns: bool) -> bool {
    subject == EVERYONE
        || (subject == OWNER && owns)
        || Some(subject) == me
        || groups.binary_search(&subject).is_ok()
}

/// The entry with the least rank.
#[inline]
fn first<'a>(entries: impl Iterator<Item = (usize, &'a Entry)>) -> Option<(usize, Entry)> {
    entries.min_by_key(|(_, entry)| entry.rank).map(|(place, entry)| (place, *entry))
}

impl Engine for Acl {
    fn evaluate(&self, request: &AccessRequest<'_>) -> Result<Verdict, DecideError> {
        Ok(match self.decide_request(request) {
            Some(decided) if decided.denies => Verdict::deny(self.version, Some(decided.id())),
            Some(decided) => Verdict::permit(self.version, Some(decided.id())),
            None => Verdict::not_applicable(self.version),
        })
    }

    fn explain(&self, request: &AccessRequest<'_>) -> Result<Explanation, DecideError> {
        let verdict = self.evaluate(request)?;
        let because = self.explain_request(request, &verdict).map_or(Because::Unexplained, Because::Acl);
        Ok(Explanation::new(verdict, because))
    }
}

impl fmt::Debug for Acl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let AclCounts { resources, groups, principals, lists, .. } = self.counts();
        f.debug_struct("Acl")
            .field("version", &self.version)
            .field("order", &self.order)
            .field("resources", &resources)
            .field("groups", &groups)
            .field("principals", &principals)
            .field("lists", &lists)
            .finish_non_exhaustive()
    }
}

/// How much an [`Acl`] holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct AclCounts {
    /// Resources declared.
    pub resources: usize,
    /// Kinds of resources that have permissions.
    pub kinds: usize,
    /// Groups declared.
    pub groups: usize,
    /// Principals that are named: as members, as owners, or by entries.
    pub principals: usize,
    /// Distinct lists after inheritance.
    pub lists: usize,
}

impl Decided {
    /// Bits for the place in the list.
    const ENTRY_BITS: u32 = 18;
    /// Bits for the permission.
    const BIT_BITS: u32 = 6;
    /// The place of what an owner keeps. Lists are shorter than that.
    const KEPT: u64 = (1 << Self::ENTRY_BITS) - 1;

    /// The place of the resource, the bit of the permission, and the place in the list.
    fn id(self) -> RuleId {
        let entry = self.entry.map_or(Self::KEPT, |entry| entry as u64 & Self::KEPT);
        let subject = (u64::from(self.at.0) << Self::BIT_BITS) | u64::from(self.bit);
        Model::Acl.rule((subject << Self::ENTRY_BITS) | entry)
    }

    /// Resource, bit and place in the list.
    fn parts(number: u64) -> (At, u32, Option<usize>) {
        let entry = number & Self::KEPT;
        let subject = number >> Self::ENTRY_BITS;
        let bit = (subject & ((1 << Self::BIT_BITS) - 1)) as u32;
        (At((subject >> Self::BIT_BITS) as u32), bit, (entry != Self::KEPT).then_some(entry as usize))
    }
}

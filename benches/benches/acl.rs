//! Checks of access control lists: `acl/<case>/ours`. Every answer is asserted.
//!
//! A million documents in folders three deep, a hundred thousand people in groups four deep. Every folder lets a
//! group read, one document in ten has an entry of its own, one folder in a hundred denies, and every document has
//! an owner. One document more has a list of a thousand groups, and is asked for by a member of five hundred others and of
//! the last one. Who asks is built outside the measured time, as an authenticator does that before.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use auth_benches::Numbers;
use auth_core::{
    AccessRequest, Action, Authenticated, Effect, PolicyVersion, PrincipalId, Resource, ResourceKind,
    UnixTime, testing::authenticated_as,
};
use auth_rbac::{Acl, AclBuilder, AclOrder, Engine, GroupId, Trustee};
use criterion::{Criterion, criterion_group, criterion_main};

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
const FOLDER: ResourceKind = ResourceKind::from_static("folder");
const DOC: ResourceKind = ResourceKind::from_static("doc");
static READ: Action = Action::from_static("doc.read");
static WRITE: Action = Action::from_static("doc.write");
/// How many people are built at once before they ask.
const BATCH: u64 = 16;

const DOCS: u64 = 1_000_000;
const FOLDERS: u64 = 10_000;
const USERS: u64 = 100_000;
const GROUPS: u64 = 10_000;
/// How many groups the long list names, every other one from the first on.
const LISTED: u64 = 1_000;
const FIRST_LISTED: u64 = 4_000;
/// How many groups between them somebody is in.
const JOINED: u64 = 500;
/// A document in the first folder that denies writing, whose owner is in the group that is denied it, three levels in.
const DENIED: u64 = 79_207;

fn doc(n: u64) -> Resource {
    Resource::one(DOC, &n.to_string()).unwrap()
}

fn folder(n: u64) -> Resource {
    Resource::one(FOLDER, &n.to_string()).unwrap()
}

fn user(n: u64) -> PrincipalId {
    PrincipalId::local_user(&format!("user{n}")).unwrap()
}

fn group(n: u64) -> GroupId {
    GroupId::local(&format!("group{n}")).unwrap()
}

/// Ten people are members of a group.
const fn group_of(user: u64) -> u64 {
    user / 10 % GROUPS
}

/// The group inside which a group is: ten of them in one of the next level. The last level is 0 to 9.
const fn around(group: u64) -> Option<u64> {
    if group < 10 { None } else { Some(group / 10) }
}

/// Folders 0 to 99 are at the top; a hundred are in each of them.
const fn folder_around(folder: u64) -> Option<u64> {
    if folder < 100 { None } else { Some(folder / 100) }
}

const fn folder_of(doc: u64) -> u64 {
    100 + doc % (FOLDERS - 100)
}

/// A group that may read what is in a folder. Three levels of groups are around its members.
const fn reader_of(folder: u64) -> u64 {
    folder % GROUPS
}

fn build() -> AclBuilder {
    let mut acl = AclBuilder::new(AclOrder::DenyOverrides);
    acl.permission("folder.list").unwrap().permission("doc.read").unwrap().permission("doc.write").unwrap();
    for n in 0..GROUPS {
        acl.group(&group(n)).unwrap();
        if let Some(outer) = around(n) {
            acl.nest(&group(outer), &group(n)).unwrap();
        }
    }
    for n in 0..USERS {
        acl.member(&group(group_of(n)), &user(n)).unwrap();
    }
    for n in 0..FOLDERS {
        let mut resource = acl.resource(&folder(n)).unwrap();
        resource.allow(group(reader_of(n)), ["doc.read", "folder.list"]).unwrap();
        if n % 100 == 7 {
            resource.deny(group(n % 10), ["doc.write"]).unwrap();
        }
        if let Some(parent) = folder_around(n) {
            resource.inside(&folder(parent)).unwrap();
        } else {
            resource.allow(Trustee::Owner, ["doc.read", "doc.write"]).unwrap();
        }
    }
    for n in 0..DOCS {
        let mut resource = acl.resource(&doc(n)).unwrap();
        resource.inside(&folder(folder_of(n))).unwrap().owned_by(&user(n % USERS)).unwrap();
        if n % 10 == 0 {
            resource.allow(user(n / 10 % USERS), ["doc.write"]).unwrap();
        }
    }
    // A long list, and somebody who is in many groups of whom the list names one.
    let mut archive = acl.resource(&doc(DOCS)).unwrap();
    for n in 0..LISTED {
        archive.allow(group(FIRST_LISTED + 2 * n), ["doc.read"]).unwrap();
    }
    for n in 0..JOINED {
        acl.member(&group(FIRST_LISTED + 2 * n + 1), &user(USERS)).unwrap();
    }
    acl.member(&group(FIRST_LISTED + 2 * LISTED - 2), &user(USERS)).unwrap();
    acl
}

/// A reader of the document, through the nesting of groups and folders: a member of a group that is inside one
/// that may read the folder around the document's own.
fn reader(doc: u64) -> u64 {
    let folder = folder_of(doc) / 100;
    // Groups of the next level inward, and then their members.
    let inner = (reader_of(folder).max(1) * 10) % GROUPS;
    inner * 10 + 3
}

fn ask(acl: &Acl, who: &Authenticated, action: &Action, resource: &Resource) -> Effect {
    acl.evaluate(black_box(&AccessRequest::new(who, action, resource, NOW))).unwrap().effect()
}

fn ours(c: &mut Criterion) {
    let builder = build();
    let start = Instant::now();
    let acl = builder.build(PolicyVersion::new(1)).unwrap();
    println!("acl/1000000-compile/ours: {:?}, once", start.elapsed());
    println!("acl/1000000-resident/ours: {} bytes, {:?}", acl.size_in_bytes(), acl.counts());

    let n = DOCS / 2 + 7;
    let cases = [
        ("inherited-allow", n, reader(n), &READ, Effect::Permit),
        ("owner-allow", n, n % USERS, &WRITE, Effect::Permit),
        ("owner-deny", DENIED, DENIED % USERS, &WRITE, Effect::Deny),
        ("no-entry", n, (reader(n) + USERS / 2) % USERS, &WRITE, Effect::NotApplicable),
        ("many-groups-long-list", DOCS, USERS, &READ, Effect::Permit),
    ];
    for (name, resource, who, action, expected) in cases {
        let resource = doc(resource);
        let who = authenticated_as(&user(who), NOW);
        c.bench_function(&format!("acl/1000000-warm-{name}/ours"), |b| {
            b.iter(|| assert_eq!(ask(&acl, &who, action, &resource), expected));
        });
    }
    let mut numbers = Numbers::new(7);
    c.bench_function("acl/1000000-random-allow/ours", |b| {
        b.iter_custom(|count| {
            let mut elapsed = Duration::ZERO;
            let mut left = count;
            while left > 0 {
                let some = left.min(BATCH);
                let questions: Vec<_> = (0..some)
                    .map(|_| {
                        let n = numbers.below(DOCS);
                        (authenticated_as(&user(reader(n)), NOW), doc(n))
                    })
                    .collect();
                let start = Instant::now();
                for (who, resource) in &questions {
                    assert_eq!(ask(&acl, who, &READ, resource), Effect::Permit);
                }
                elapsed += start.elapsed();
                left -= some;
            }
            elapsed
        });
    });
}

criterion_group!(benches, ours);
criterion_main!(benches);

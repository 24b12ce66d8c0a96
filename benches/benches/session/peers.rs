//! Loading from maps that hold our records, and from the store of another.

use std::hint::black_box;

use auth_core::{SessionId, SessionRecord};
use criterion::Criterion;
use tower_sessions::session_store::SessionStore as _;

mod rows;

pub(crate) use self::rows::rows;
use self::rows::tower_store;
use crate::{
    load::load,
    world::{World, now},
};

pub(crate) fn loads(c: &mut Criterion, world: &World) {
    // Not in the order in which they are asked: the records would lie in memory as they are read.
    let mut ids = world.ids.clone();
    ids.sort_unstable_by_key(|id| *id.as_bytes());
    let records = || ids.iter().map(|id| (*id, world.record(id).unwrap()));
    let check = |id: &SessionId, record: Option<SessionRecord>| {
        let record = record.unwrap();
        assert_eq!(record.id, *id);
        black_box(record);
    };

    let map: dashmap::DashMap<SessionId, SessionRecord> = records().collect();
    load(c, "dashmap", ids.len(), |n| {
        let id = black_box(&world.ids[n]);
        check(id, map.get(id).map(|record| record.clone()));
    });
    drop(map);
    let map: papaya::HashMap<SessionId, SessionRecord> = records().collect();
    load(c, "papaya", ids.len(), |n| {
        let id = black_box(&world.ids[n]);
        check(id, map.pin().get(id).cloned());
    });
    drop(map);

    let (store, ids) = tower_store(world.ids.len());
    load(c, "tower-sessions", ids.len(), |n| {
        let record = now(store.load(black_box(&ids[n]))).unwrap().unwrap();
        assert_eq!(record.id, ids[n]);
        black_box(record);
    });
}

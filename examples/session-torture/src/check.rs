//! What is looked at while nothing moves.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, atomic::Ordering::SeqCst},
};

use auth_core::{Page, SessionId};

use crate::{
    model::{Live, Said},
    operations::{Sum, open},
    random::Random,
    torture::World,
};

/// Compares every session with what was promised of it, and ends some if there are more than `crowd`.
pub(crate) async fn check(world: &World, random: &mut Random, crowd: usize) {
    let listed = listed(world, random).await;
    for live in world.sessions() {
        check_one(world, random, &live, listed.as_ref()).await;
    }
    let now = world.now();
    world.keep(|live| live.said(now) != Said::Over);
    while world.sessions().len() > crowd {
        let (Some(live), Some(node)) = (world.one(random), random.one_of(&world.nodes)) else { return };
        live.may_be_over.store(true, SeqCst);
        match node.end_one(&live.account.principal, &live.id).await {
            Ok(_) => live.is_over.store(true, SeqCst),
            Err(_) => world.log.failed(),
        }
        world.keep(|other| !Arc::ptr_eq(other, &live));
    }
}

/// The ids that each account's list names, or `None` if a list failed.
async fn listed(world: &World, random: &mut Random) -> Option<BTreeMap<String, BTreeSet<SessionId>>> {
    let mut listed = BTreeMap::new();
    for account in &world.accounts {
        let node = random.one_of(&world.nodes)?;
        let mut ids = BTreeSet::new();
        let mut page = Page::first();
        loop {
            let Ok(some) = node.list(&account.principal, page).await else {
                world.log.failed();
                return None;
            };
            if some.is_empty() {
                break;
            }
            for session in some {
                if !ids.insert(session.id) {
                    world.log.violation(format_args!("{:?} is listed twice", session.id));
                }
            }
            page = page.next();
        }
        listed.insert(account.principal.id().to_owned(), ids);
    }
    Some(listed)
}

async fn check_one(
    world: &World,
    random: &mut Random,
    live: &Live,
    listed: Option<&BTreeMap<String, BTreeSet<SessionId>>>,
) {
    let said = live.said(world.now());
    let is_listed =
        listed.and_then(|listed| listed.get(live.account.principal.id())).map(|ids| ids.contains(&live.id));
    match (said, is_listed) {
        (Said::Over, Some(true)) => {
            world.log.violation(format_args!("{:?} was ended, and is listed", live.id))
        }
        (Said::Alive, Some(false)) => {
            world.log.violation(format_args!("{:?} lives, and is not listed", live.id))
        }
        _ => {}
    }
    let Some(node) = random.one_of(&world.nodes) else { return };
    if let Some(stale) = live.jar.stale_header()
        && random.once_in(4)
        && let Some(session) = open(world, node, Some(&stale)).await
        && session.authenticated().is_some()
        && live.jar.header().as_deref() != Some(&stale)
    {
        world.log.violation(format_args!("{:?} opened by a secret that was replaced twice", live.id));
    }
    let Some(session) = open(world, node, live.jar.header().as_deref()).await else { return };
    match (said, session.authenticated().is_some()) {
        (Said::Over, true) => world.log.violation(format_args!("{:?} was ended, and opens", live.id)),
        (Said::Alive, false) => world.log.violation(format_args!("{:?} lives, and does not open", live.id)),
        _ => {}
    }
    if session.authenticated().is_some() {
        let Sum(found) = session.get().ok().flatten().unwrap_or_default();
        let (least, most) = (live.added.load(SeqCst), live.maybe_added.load(SeqCst));
        if !(least..=most).contains(&found) {
            world.log.violation(format_args!("{:?} holds {found}, not {least} to {most}", live.id));
        }
    }
    // What the request found due is done, as it is for any other.
    let (cookie, _) = session.commit().await.into_parts();
    if let Some(cookie) = cookie
        && !cookie.clears()
    {
        live.jar.take(&cookie);
    }
    world.log.done("checks");
}

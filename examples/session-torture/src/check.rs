//! What is looked at while nothing moves.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, atomic::Ordering::SeqCst},
};

use auth_core::{Page, SessionId};

use crate::{
    model::{Account, Live, Said},
    operations::{Sum, open},
    random::Random,
    tokens,
    torture::{Engines, LIMIT, World},
};

/// How many of the ended are tried in a round.
const OPENED: usize = 20;

/// Compares every session with what was promised of it, and ends some if there are more than `crowd`.
pub(crate) async fn check(world: &Arc<World>, random: &mut Random, crowd: usize) {
    let listed = listed(world, random).await;
    for account in &world.accounts {
        check_limit(world, account, listed.as_ref().and_then(|listed| listed.get(account.principal.id())));
    }
    for live in world.sessions() {
        check_one(world, random, &live, listed.as_ref()).await;
    }
    check_ended(world, random, listed.as_ref()).await;
    world.bury();
    while world.sessions().len() > crowd {
        let (Some(live), Some(node)) = (world.one(random), random.one_of(&world.nodes)) else { return };
        live.may_be_over.store(true, SeqCst);
        match node.sessions.end_one(&live.account.principal, &live.id).await {
            Ok(_) => live.is_over.store(true, SeqCst),
            Err(error) => {
                live.account.strangers.fetch_add(1, SeqCst);
                world.log.failed(&error);
                world.keep(|other| !Arc::ptr_eq(other, &live));
            }
        }
        world.bury();
    }
}

/// What ended stays ended, and not for one round only: no list names it, and what its owner still holds opens nothing.
async fn check_ended(
    world: &Arc<World>,
    random: &mut Random,
    listed: Option<&BTreeMap<String, BTreeSet<SessionId>>>,
) {
    let ended = world.ended();
    for live in &ended {
        let ids = listed.and_then(|listed| listed.get(live.account.principal.id()));
        if ids.is_some_and(|ids| ids.contains(&live.id)) {
            world.log.violation(format_args!("{:?} was ended in an earlier round, and is listed", live.id));
        }
    }
    for _ in 0..OPENED.min(ended.len()) {
        let (Some(live), Some(engines)) = (random.one_of(&ended), random.one_of(&world.nodes)) else {
            return;
        };
        if live.tokens.is_some() {
            tokens::refresh(world, live, 1, random).await;
        } else if let Some(session) = open(world, &engines.sessions, live.jar.header().as_deref()).await
            && session.authenticated().is_some()
        {
            world.log.violation(format_args!("{:?} was ended in an earlier round, and opens", live.id));
        }
        world.log.done("checks of the ended");
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
            let some = match node.sessions.list(&account.principal, page).await {
                Ok(some) => some,
                Err(error) => {
                    world.log.failed(&error);
                    return None;
                }
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

/// What a limit has ended is as much as it said and the oldest, and what is left is not too much.
fn check_limit(world: &World, account: &Account, listed: Option<&BTreeSet<SessionId>>) {
    let Some(listed) = listed else { return };
    let (now, limit) = (world.now(), usize::try_from(LIMIT).unwrap_or(usize::MAX));
    if listed.len() > limit {
        world.log.violation(format_args!("{} sessions of {:?} live", listed.len(), account.principal));
    }
    let sessions = world.sessions();
    let own: Vec<_> = sessions.iter().filter(|live| live.account.principal == account.principal).collect();
    let known: BTreeSet<_> = own.iter().map(|live| live.id).collect();
    let mut unknown: Vec<_> = listed.difference(&known).collect();
    // Where every call was answered, everybody who is there was heard of.
    if world.log.has_no_failure() && !unknown.is_empty() {
        let ended: BTreeSet<_> = world.ended().iter().map(|live| live.id).collect();
        unknown.retain(|id| !ended.contains(*id));
        for id in &unknown {
            world.log.violation(format_args!("{id:?} is listed, and nobody began it"));
        }
    }
    let (left, gone): (Vec<&Arc<Live>>, Vec<&Arc<Live>>) = own
        .iter()
        .filter(|live| live.said_without_limit(now) == Said::Alive)
        .partition(|live| listed.contains(&live.id));
    let pushed: Vec<_> = gone.iter().filter(|live| live.may_be_pushed.load(SeqCst)).collect();
    let oldest_left = left.iter().map(|live| live.began).min();
    for live in &pushed {
        live.is_over.store(true, SeqCst);
        if oldest_left.is_some_and(|oldest| oldest < live.began) {
            world.log.violation(format_args!("{:?} was ended by a limit, and an older one was not", live.id));
        }
    }
    let said = account.ended_by_limit.swap(0, SeqCst);
    // A login that was not answered says nothing of what it has ended.
    let is_sure = account.unsure.load(SeqCst) == 0;
    if is_sure && u64::try_from(pushed.len()).unwrap_or(u64::MAX) > said {
        world.log.violation(format_args!("a limit ended {} sessions, and said {said}", pushed.len()));
    }
    if !pushed.is_empty() {
        world.log.done("ends by a limit");
    }
    if is_sure {
        left.iter().for_each(|live| live.may_be_pushed.store(false, SeqCst));
        account.strangers.store(unknown.len(), SeqCst);
    }
    let _ = account.unsure.fetch_update(SeqCst, SeqCst, |rounds| rounds.checked_sub(1));
}

async fn check_one(
    world: &Arc<World>,
    random: &mut Random,
    live: &Arc<Live>,
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
    if live.tokens.is_some() {
        tokens::refresh(world, live, 1, random).await;
        return world.log.done("checks");
    }
    let Some(Engines { sessions: node, .. }) = random.one_of(&world.nodes) else { return };
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

//! What tasks do, and what may be expected of it.

use std::sync::{Arc, atomic::Ordering::SeqCst};

use auth_core::AuthEpoch;
use auth_session::{CommitError, RotateError, Session, SessionData, Sessions};
use serde::{Deserialize, Serialize};

use crate::{
    jar::Jar,
    logins::{self, Kind},
    model::{Live, Said},
    random::Random,
    tokens,
    torture::{World, idle_until},
};

/// What sessions hold: a number that many add to.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sum(pub(crate) u64);

impl SessionData for Sum {
    const SLOT: &'static str = "sum";
    const VERSION: u16 = 1;

    fn merge(base: Option<Self>, ours: Self, theirs: Self) -> Option<Self> {
        let added = ours.0.saturating_sub(base.map_or(0, |base| base.0));
        Some(Self(theirs.0.saturating_add(added)))
    }
}

/// Does one thing.
pub(crate) async fn operate(world: &Arc<World>, random: &mut Random) {
    let Some(engines) = random.one_of(&world.nodes).cloned() else { return };
    let (node, session) = (&engines.sessions, world.one(random));
    match (random.below(42), session) {
        (40, _) => purge(world, node).await,
        (41, _) => visit(world, &engines.visitors).await,
        (0..=2, _) | (_, None) => logins::log_in(world, &engines, Kind::Cookie, random).await,
        (3, _) => logins::log_in(world, &engines, Kind::Refresh, random).await,
        (37, Some(live)) => end_by_id(world, node, &live).await,
        (n, Some(live)) if live.tokens.is_some() => tokens::act(world, &engines, &live, n, random).await,
        (4..=18, Some(live)) => request(world, node, &live, Act::Add, random.once_in(10)).await,
        (19..=34, Some(live)) => request(world, node, &live, Act::Read, random.once_in(10)).await,
        (35, Some(live)) => request(world, node, &live, Act::Privilege, random.once_in(10)).await,
        (36, Some(live)) => request(world, node, &live, Act::LogOut, false).await,
        (_, Some(live)) => request(world, node, &live, Act::EndOthers, false).await,
    }
}

/// What a request does with its session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    Read,
    Add,
    Privilege,
    LogOut,
    EndOthers,
}

/// Opens a session by this header, or says that the store failed.
pub(crate) async fn open(world: &World, node: &Sessions, header: Option<&str>) -> Option<Session> {
    let Ok(incoming) = node.read(header.map(str::as_bytes)) else {
        world.log.violation("a cookie of ours is malformed");
        return None;
    };
    match node.open(&incoming).await {
        Ok(session) => Some(session),
        Err(error) => {
            world.log.failed(&error);
            None
        }
    }
}

/// Forgets what is past its deadline, and nothing else: whoever is still expected to live is looked for all the time.
async fn purge(world: &World, node: &Sessions) {
    match node.purge(100).await {
        Ok(_) => world.log.done("purges"),
        Err(error) => world.log.failed(&error),
    }
}

/// Two requests of a visitor, of which the second finds what the first has set.
async fn visit(world: &World, node: &Sessions) {
    let Some(mut session) = open(world, node, None).await else { return };
    let set = session.set(&Sum(1));
    let (cookie, saved) = session.commit().await.into_parts();
    let cookie = match (set, saved, cookie) {
        (Ok(()), Ok(()), Some(cookie)) => cookie,
        (_, Err(CommitError::Unavailable(error)), _) => return world.log.failed(&error),
        _ => return world.log.violation("a visitor's data was not saved, and nothing failed"),
    };
    let jar = Jar::default();
    jar.take(&cookie);
    let Some(session) = open(world, node, jar.header().as_deref()).await else { return };
    if session.authenticated().is_some() || session.get::<Sum>().ok().flatten() != Some(Sum(1)) {
        world.log.violation("a visitor's session is gone, or somebody's");
    }
    world.log.done("visits");
}

/// A request of a browser. `lose` throws its answer away, as a train in a tunnel does.
async fn request(world: &World, node: &Sessions, live: &Arc<Live>, act: Act, lose: bool) {
    let now = world.now();
    let before = live.said(now);
    let replaced = live.replaced.load(SeqCst);
    let header = live.jar.header();
    let Some(mut session) = open(world, node, header.as_deref()).await else { return };
    let Some(who) = session.authenticated() else {
        // Whatever it was at the beginning: if it may still be expected to live, it was lost.
        if live.said(now) == Said::Alive && header == live.jar.header() {
            world.log.violation(format_args!("{:?} is gone, and nobody ended it", live.id));
        }
        return world.log.done("requests of nobody");
    };
    if before == Said::Over {
        world.log.violation(format_args!("{:?} was ended, and opened", live.id));
    }
    if *who.principal() != live.account.principal || session.id() != Some(live.id) {
        world.log.violation(format_args!("{:?} opened as {:?} of {who:?}", live.id, session.id()));
    }
    match act {
        Act::Read | Act::Add => {}
        Act::Privilege => {
            // Without its answer, the browser is left with a secret that is dead.
            live.is_lost.store(true, SeqCst);
            match session.rotate().await {
                Ok(()) => {
                    live.replaced.fetch_add(1, SeqCst);
                    world.log.done("privilege changes");
                }
                Err(RotateError::Unavailable(error)) => world.log.failed(&error),
                Err(_) => world.log.done("lost races"),
            }
        }
        Act::LogOut => return log_out(world, live, session).await,
        Act::EndOthers => return end_others(world, live, session).await,
    }
    if act == Act::Add {
        let sum = session.get::<Sum>().ok().flatten().unwrap_or_default();
        live.maybe_added.fetch_add(1, SeqCst);
        if session.set(&Sum(sum.0.saturating_add(1))).is_err() {
            world.log.violation("a number is too large for a session");
        }
    }
    let (cookie, saved) = session.commit().await.into_parts();
    match saved {
        Ok(()) if act == Act::Add => {
            live.added.fetch_add(1, SeqCst);
            world.log.done("writes");
        }
        Ok(()) => world.log.done("reads"),
        Err(CommitError::Unavailable(error)) => world.log.failed(&error),
        Err(_) => world.log.done("lost races"),
    }
    match cookie {
        Some(_) if lose => world.log.done("lost answers"),
        Some(cookie) => {
            live.jar.take(&cookie);
            if act == Act::Privilege {
                live.is_lost.store(false, SeqCst);
            } else if live.replaced.load(SeqCst) != replaced {
                // Two answers at once, and the older one came last: this browser has the cookie that is dead.
                live.is_lost.store(true, SeqCst);
            }
        }
        None => {}
    }
    live.used_until(idle_until(now));
}

async fn log_out(world: &World, live: &Live, mut session: Session) {
    live.may_be_over.store(true, SeqCst);
    match session.end().await {
        Ok(_) => {
            live.is_over.store(true, SeqCst);
            world.log.done("logouts");
        }
        Err(error) => world.log.failed(&error),
    }
    if let (Some(cookie), _) = session.commit().await.into_parts() {
        // The cookie is not taken, so that the next request tries the old one.
        drop(cookie);
    }
}

async fn end_by_id(world: &World, node: &Sessions, live: &Live) {
    live.may_be_over.store(true, SeqCst);
    match node.end_one(&live.account.principal, &live.id).await {
        Ok(_) => {
            live.is_over.store(true, SeqCst);
            world.log.done("ends by id");
        }
        Err(error) => world.log.failed(&error),
    }
}

/// Changes the password, in a session that lives on.
async fn end_others(world: &World, live: &Live, mut session: Session) {
    let account = &live.account;
    let _one = account.change.lock().await;
    if live.may_be_over.load(SeqCst) || live.epoch.load(SeqCst) < account.epoch.load(SeqCst) {
        return;
    }
    let epoch = account.epoch.load(SeqCst).saturating_add(1);
    // Its secret is replaced, and the answer is not to be lost.
    live.is_lost.store(true, SeqCst);
    account.epoch.store(epoch, SeqCst);
    let ended = session.end_all_others(AuthEpoch::new(epoch)).await;
    match ended {
        Ok(_) => {
            live.epoch.store(epoch, SeqCst);
            account.ended_before.store(epoch, SeqCst);
            world.log.done("password changes");
        }
        Err(RotateError::Unavailable(error)) => {
            live.may_be_over.store(true, SeqCst);
            world.log.failed(&error);
        }
        // Somebody ended it or replaced its secret meanwhile. All others are over, and it was moved up if it was there.
        Err(_) => {
            live.may_be_over.store(true, SeqCst);
            live.epoch.store(epoch, SeqCst);
            account.ended_before.store(epoch, SeqCst);
            world.log.done("lost races");
        }
    }
    if let (Some(cookie), _) = session.commit().await.into_parts() {
        live.replaced.fetch_add(1, SeqCst);
        live.jar.take(&cookie);
        live.is_lost.store(false, SeqCst);
    }
}

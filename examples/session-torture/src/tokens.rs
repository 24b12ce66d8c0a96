//! A client that has refresh tokens.

use std::sync::{Arc, atomic::Ordering::SeqCst};

use auth_core::{LiveSession, UnixTime};
use auth_session::{RefreshError, RefreshPolicy, RefreshToken};
use tokio::sync::Mutex;

use crate::{
    model::{Live, Said},
    random::Random,
    torture::{Engines, World, idle_until},
};

/// The token of one client, and those that it had before. Who holds it refreshes; others of the client wait.
#[derive(Debug)]
pub(crate) struct Tokens(Mutex<Held>);

#[derive(Debug)]
struct Held {
    now: RefreshToken,
    before: Vec<RefreshToken>,
    /// Since when the one of now may have a successor that the client does not know, and how often it asked since.
    lost: Option<(UnixTime, u32)>,
}

impl Tokens {
    pub(crate) fn new(token: RefreshToken) -> Self {
        Self(Mutex::new(Held { now: token, before: Vec::new(), lost: None }))
    }
}

impl Held {
    /// Whether the one of now has to be answered.
    fn is_good(&self, now: UnixTime) -> bool {
        self.lost.is_none_or(|(since, asked)| {
            let age = now.since(since);
            // The first to ask late is told again; who asks more often than that may be told that it was too often.
            age <= RefreshPolicy::GRACE || (age <= RefreshPolicy::REISSUE_FOR && asked == 0)
        })
    }

    /// An answer did not come: there may be a successor since `now`, or since before.
    fn lose(&mut self, now: UnixTime) {
        self.lost = Some(self.lost.map_or((now, 0), |(since, asked)| (since, asked.saturating_add(1))));
    }

    fn take(&mut self, next: RefreshToken) {
        self.lost = None;
        if *next.expose() != *self.now.expose() {
            let before = std::mem::replace(&mut self.now, next);
            self.before.push(before);
            let too_many = self.before.len().saturating_sub(4);
            self.before.drain(..too_many);
        }
    }
}

/// What the client does: refreshes mostly, logs out, and now and then somebody presents a copy of an old token.
pub(crate) async fn act(
    world: &Arc<World>,
    engines: &Engines,
    live: &Arc<Live>,
    what: usize,
    random: &mut Random,
) {
    match what {
        36 => revoke(world, engines, live).await,
        38 => replay(world, engines, live).await,
        _ => {
            let requests = [1, 1, 2, 4].get(random.below(4)).copied().unwrap_or(1);
            refresh(world, live, requests, random).await;
        }
    }
}

/// Presents the token of now in some requests at once, to any nodes. One in ten answers are lost, all of them together.
pub(crate) async fn refresh(world: &Arc<World>, live: &Arc<Live>, requests: usize, random: &mut Random) {
    let Some(Tokens(held)) = &live.tokens else { return };
    let mut held = held.lock().await;
    let (now, before, good) = (world.now(), live.said(world.now()), held.is_good(world.now()));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..requests {
        let Some(node) = random.one_of(&world.nodes).cloned() else { return };
        let token = held.now.clone();
        tasks.spawn(async move { node.refresh.refresh(&token).await });
    }
    let (mut next, mut failed): (Option<RefreshToken>, bool) = (None, false);
    while let Some(Ok(answer)) = tasks.join_next().await {
        match answer {
            Ok(refreshed) => {
                check_live(world, live, &refreshed.live, before);
                if next.as_ref().is_some_and(|next| *next.expose() != *refreshed.token.expose()) {
                    world.log.violation(format_args!("{:?} has two successors of one token", live.id));
                }
                next = Some(refreshed.token);
            }
            Err(RefreshError::Unavailable(error)) => {
                failed = true;
                world.log.failed(&error);
            }
            Err(_) => rejected(world, live, good),
        }
    }
    match next {
        Some(token) if !random.once_in(10) => {
            if *token.expose() == *held.now.expose() {
                world.log.violation(format_args!("{:?} has a token that is its own successor", live.id));
            }
            held.take(token);
            live.used_until(idle_until(now));
            world.log.done("refreshes");
        }
        Some(_) => {
            held.lose(now);
            world.log.done("lost tokens");
        }
        None if failed => held.lose(now),
        None => {}
    }
}

fn check_live(world: &World, live: &Live, found: &LiveSession, before: Said) {
    if before == Said::Over {
        world.log.violation(format_args!("{:?} was ended, and was refreshed", live.id));
    }
    let who = found.authentication();
    if found.id() != live.id || who.principal != live.account.principal || who.at != live.began {
        world.log.violation(format_args!("{:?} was refreshed as {found:?}", live.id));
    }
}

fn rejected(world: &World, live: &Live, good: bool) {
    if good && live.said(world.now()) == Said::Alive {
        world.log.violation(format_args!("{:?} is not refreshed, and nobody ended it", live.id));
    }
    // A token that was refused is refused for ever: it was one too many, or the login is over.
    live.may_be_over.store(true, SeqCst);
    world.log.done("refused tokens");
}

async fn revoke(world: &World, engines: &Engines, live: &Live) {
    let Some(Tokens(held)) = &live.tokens else { return };
    let held = held.lock().await;
    live.may_be_over.store(true, SeqCst);
    match engines.refresh.revoke(&held.now).await {
        Ok(_) => {
            live.is_over.store(true, SeqCst);
            world.log.done("revocations");
        }
        Err(error) => world.log.failed(&error),
    }
}

/// Somebody has a copy of a token that was replaced twice: it opens nothing, and the login ends.
async fn replay(world: &World, engines: &Engines, live: &Live) {
    let Some(Tokens(held)) = &live.tokens else { return };
    let held = held.lock().await;
    let Some(copy) = held.before.iter().rev().nth(1) else { return };
    live.may_be_over.store(true, SeqCst);
    match engines.refresh.refresh(copy).await {
        Ok(_) => world.log.violation(format_args!("{:?} is refreshed by a token of long ago", live.id)),
        Err(RefreshError::Unavailable(error)) => world.log.failed(&error),
        Err(_) => {
            live.is_over.store(true, SeqCst);
            world.log.done("replays");
        }
    }
}

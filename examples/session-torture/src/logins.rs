//! Logins, of browsers and of clients that refresh tokens, under a limit of sessions.

use std::sync::{Arc, atomic::Ordering::SeqCst};

use auth_core::{AuthEpoch, Login, SessionId, SessionTerms, testing::login_at_epoch};
use auth_session::{Session, StartError};

use crate::{
    jar::Jar,
    model::{Account, Live},
    operations::{Sum, open},
    random::Random,
    tokens::Tokens,
    torture::{Engines, World},
};

/// What a login is to carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Cookie,
    Refresh,
}

/// A login that was answered.
struct Began {
    id: SessionId,
    ended_by_limit: u32,
    jar: Jar,
    tokens: Option<Tokens>,
    /// What it holds that was not written to it.
    data: u64,
}

pub(crate) async fn log_in(world: &World, engines: &Engines, kind: Kind, random: &mut Random) {
    let Some(account) = random.one_of(&world.accounts).cloned() else { return };
    // As a password is checked: the epoch first, the session a while later.
    let epoch = account.epoch.load(SeqCst);
    tokio::task::yield_now().await;
    let (now, login) = (world.now(), login_at_epoch(&account.principal, world.now(), AuthEpoch::new(epoch)));
    let over = (kind == Kind::Cookie && random.once_in(3)).then(|| world.one(random)).flatten();
    let over = over.filter(|live| live.tokens.is_none());
    let before = over.as_ref().map(|live| live.added.load(SeqCst));
    let header = over.as_ref().and_then(|live| live.jar.header());
    let Some(browser) = open(world, &engines.sessions, header.as_deref()).await else { return };
    // The one that the browser is logged in with, if it still is.
    let over = over.zip(before).filter(|(live, _)| browser.id() == Some(live.id));
    if let Some((live, _)) = &over {
        live.may_be_over.store(true, SeqCst);
    }
    account.beginning.fetch_add(1, SeqCst);
    world.push(&account);
    let began = match kind {
        Kind::Cookie => by_cookie(world, browser, login).await,
        Kind::Refresh => by_token(engines, login).await,
    };
    match began {
        Ok(began) => {
            account.ended_by_limit.fetch_add(u64::from(began.ended_by_limit), SeqCst);
            if let Some((live, before)) = &over {
                replaced(world, live, *before, &account, began.data);
            }
            let live = Live {
                jar: began.jar,
                tokens: began.tokens,
                added: began.data.into(),
                maybe_added: began.data.into(),
                ..Live::new(began.id, Arc::clone(&account), epoch, now)
            };
            world.add(live);
            world.log.done(if kind == Kind::Cookie { "logins" } else { "logins for tokens" });
        }
        Err(error) => refused(world, &account, epoch, &error),
    }
    account.beginning.fetch_sub(1, SeqCst);
}

async fn by_cookie(world: &World, mut session: Session, login: Login) -> Result<Began, StartError> {
    let started = session.start(login).await?;
    let Sum(data) = session.get().ok().flatten().unwrap_or_default();
    let (cookie, saved) = session.commit().await.into_parts();
    let jar = Jar::default();
    match (cookie, saved) {
        (Some(cookie), Ok(())) => jar.take(&cookie),
        _ => world.log.violation("a login got no cookie"),
    }
    Ok(Began { id: started.id, ended_by_limit: started.ended_by_limit, jar, tokens: None, data })
}

/// A login has ended the session that its browser had. The same person's data goes along; of anybody else's, nothing does.
fn replaced(world: &World, live: &Live, before: u64, account: &Account, data: u64) {
    live.is_over.store(true, SeqCst);
    let is_same = live.account.principal == account.principal;
    let most = if is_same { live.maybe_added.load(SeqCst) } else { 0 };
    // None, if it ended meanwhile in another way: then it may be that somebody else has them.
    if data != 0 && !(before..=most).contains(&data) {
        world
            .log
            .violation(format_args!("a login over {:?} took {data} along, not {before} to {most}", live.id));
    }
    world.log.done("logins over a session");
}

async fn by_token(engines: &Engines, login: Login) -> Result<Began, StartError> {
    let issued = engines.refresh.issue(login, SessionTerms::new()).await?;
    Ok(Began {
        id: issued.live.id(),
        ended_by_limit: issued.ended_by_limit,
        jar: Jar::default(),
        tokens: Some(Tokens::new(issued.token)),
        data: 0,
    })
}

fn refused(world: &World, account: &Account, epoch: u64, error: &StartError) {
    match error {
        StartError::Outdated if account.epoch.load(SeqCst) > epoch => world.log.done("outdated logins"),
        StartError::LimitReached if world.is_crowded(account) => world.log.done("logins beyond the limit"),
        StartError::Unavailable(error) => {
            account.login_failed();
            world.push(account);
            world.log.failed(error);
        }
        error => world.log.violation(format_args!("a login was refused: {error}")),
    }
}

//! Logins, of browsers and of clients that refresh tokens, under a limit of sessions.

use std::sync::{Arc, atomic::Ordering::SeqCst};

use auth_core::{AuthEpoch, Login, SessionId, SessionTerms, testing::login_at_epoch};
use auth_session::{Session, StartError};

use crate::{
    jar::Jar,
    model::{Account, Live},
    operations::open,
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
}

pub(crate) async fn log_in(world: &World, engines: &Engines, kind: Kind, random: &mut Random) {
    let Some(account) = random.one_of(&world.accounts).cloned() else { return };
    // As a password is checked: the epoch first, the session a while later.
    let epoch = account.epoch.load(SeqCst);
    tokio::task::yield_now().await;
    let (now, login) = (world.now(), login_at_epoch(&account.principal, world.now(), AuthEpoch::new(epoch)));
    let Some(anonymous) = open(world, &engines.sessions, None).await else { return };
    account.beginning.fetch_add(1, SeqCst);
    world.push(&account);
    let began = match kind {
        Kind::Cookie => by_cookie(world, anonymous, login).await,
        Kind::Refresh => by_token(engines, login).await,
    };
    match began {
        Ok(began) => {
            account.ended_by_limit.fetch_add(u64::from(began.ended_by_limit), SeqCst);
            let live = Live {
                jar: began.jar,
                tokens: began.tokens,
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
    let (cookie, saved) = session.commit().await.into_parts();
    let jar = Jar::default();
    match (cookie, saved) {
        (Some(cookie), Ok(())) => jar.take(&cookie),
        _ => world.log.violation("a login got no cookie"),
    }
    Ok(Began { id: started.id, ended_by_limit: started.ended_by_limit, jar, tokens: None })
}

async fn by_token(engines: &Engines, login: Login) -> Result<Began, StartError> {
    let issued = engines.refresh.issue(login, SessionTerms::new()).await?;
    Ok(Began {
        id: issued.live.id(),
        ended_by_limit: issued.ended_by_limit,
        jar: Jar::default(),
        tokens: Some(Tokens::new(issued.token)),
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

//! Only a login begins a session: not a request that acts for somebody, not a login that lacks a factor.
use auth_core::{Authenticated, FactorPassed, PendingLogin};
use auth_session::{Session, StartError};

async fn restart(session: &mut Session, request: Authenticated) -> Result<(), StartError> {
    session.start(request).await?;
    Ok(())
}

async fn second_factor_missing(session: &mut Session, pending: PendingLogin) -> Result<(), StartError> {
    session.start(pending).await?;
    Ok(())
}

async fn one_factor(session: &mut Session, factor: FactorPassed) -> Result<(), StartError> {
    session.start(factor).await?;
    Ok(())
}

fn main() {}

//! A request's own proof begins no session.
use auth_web::{CurrentUser, Refusal, Visit};

async fn again(visit: Visit, user: CurrentUser) -> Result<(), Refusal> {
    visit.log_in((*user).clone()).await?;
    Ok(())
}

fn main() {}

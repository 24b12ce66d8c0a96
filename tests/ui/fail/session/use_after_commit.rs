//! After its answer a session is not changed any more: nobody would save it.
use auth_core::{Login, Refusal};
use auth_session::{Outgoing, Session};

async fn too_late(mut session: Session, login: Login) -> Result<Outgoing, Refusal> {
    let outgoing = session.commit().await;
    session.start(login).await?;
    Ok(outgoing)
}

fn main() {}

//! What a session leaves to send is not dropped by mistake: without its cookie a login is lost.
#![deny(unused_must_use)]

use auth_session::Session;

async fn end_of_request(session: Session) {
    session.commit().await;
}

fn main() {}

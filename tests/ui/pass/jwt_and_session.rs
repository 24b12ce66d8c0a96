//! The right way from a login to a token and a session.
use auth_core::{Login, SystemEntropy, UnixTime};
use auth_jwt::{Audience, ClientId, Hs256Key, Issuer, TokenIssuer, TokenPolicy, Verified, Verifier};
use auth_session::{Outgoing, Session, StartError};

fn token(login: &Login, now: UnixTime) -> Result<Verified, Box<dyn std::error::Error>> {
    let (issuer, audience) = (Issuer::new("https://id.example")?, Audience::new("https://api.example")?);
    let key = Hs256Key::generate(&SystemEntropy)?;
    let tokens = TokenIssuer::new(key.clone(), issuer.clone(), audience.clone(), ClientId::new("app")?);
    let issued = tokens.for_login(login).sign(now)?;
    Ok(Verifier::new(key, TokenPolicy::access_token(issuer, audience))
        .verify(issued.token().expose(), now)?)
}

async fn cookie(mut session: Session, login: Login) -> Result<Outgoing, StartError> {
    session.start(login).await?;
    Ok(session.commit().await)
}

fn main() {
    let _ = (token, cookie);
}

//! Issues a token for Ann; see the library beside it.

use std::error::Error;

use auth_core::{AuthEpoch, Authentication, Clock, Login, Method, PrincipalId, SystemClock};
use example_kms_signer::{KEY, Tokens, kms::Kms};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let kms = Kms::start();
    kms.create_key(KEY).await?;
    let tokens = Tokens::new(kms).await?;

    let now = SystemClock.now();
    // In a service this comes out of a `LoginGate`, when Ann's password has been checked.
    let ann = PrincipalId::local_user("42")?;
    let login = Login::assertion(Authentication::new(ann, Method::PASSWORD, now, AuthEpoch::ZERO));

    let issued = tokens.issue(&login, now).await?;
    let token = issued.token().expose();
    let verified = tokens.verifier().verify::<()>(token, now)?;
    #[expect(clippy::print_stdout, reason = "what the program is for")]
    {
        println!("{token}");
        println!("verified: subject {}", verified.claims().subject().unwrap_or("unknown"));
        println!("{}", tokens.jwks());
    }
    Ok(())
}

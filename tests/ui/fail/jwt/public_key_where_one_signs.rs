//! What verifies does not sign: neither tokens nor anything else.
use auth_jwt::{
    Audience, ClientId, Ed25519VerifyingKey, Es256VerifyingKey, IssueError, Issuer, JwsSigner, TokenIssuer,
    TokenSigner, TypeRule,
};

fn access_tokens(
    public: Es256VerifyingKey,
    issuer: Issuer,
    audience: Audience,
    client: ClientId,
) -> TokenIssuer {
    TokenIssuer::new(public, issuer, audience, client)
}

fn other_tokens(public: Es256VerifyingKey, typ: TypeRule, issuer: Issuer) -> Result<TokenSigner, IssueError> {
    TokenSigner::new(public, typ, issuer)
}

fn bytes(public: Ed25519VerifyingKey) -> JwsSigner {
    JwsSigner::new(public)
}

fn by_itself(public: &Es256VerifyingKey) {
    let _ = public.sign(b"message");
}

fn main() {}

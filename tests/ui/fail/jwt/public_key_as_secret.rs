//! A public key is not a shared secret, in no form: whoever reads it could sign (CVE-2016-10555).
use auth_jwt::{Es256VerifyingKey, Hs256Key, KeyError};

fn key(public: &Es256VerifyingKey) -> Result<Hs256Key, KeyError> {
    Hs256Key::new(public)
}

fn pem(public: &Es256VerifyingKey) -> Result<Hs256Key, KeyError> {
    Hs256Key::new(&public.to_pem())
}

fn converted(public: Es256VerifyingKey) -> Hs256Key {
    public.into()
}

fn main() {}

//! JSON Web Tokens from primitives: strict parsing, one algorithm a key, claims only after the signature.

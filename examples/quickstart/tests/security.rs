//! What protects an account beside its password: one-time codes, links by mail, keys of programs.

#[path = "story/server.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod server;

#[path = "story/people.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod people;

#[path = "security/codes.rs"]
mod codes;
#[path = "security/keys.rs"]
mod keys;
#[path = "security/links.rs"]
mod links;

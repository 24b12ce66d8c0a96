//! Keys and tokens at the terminal, with nothing but the public interface of `auth-jwt`.
//!
//! ```text
//! cargo run -p example-jwt-tool -- keygen ES256 --private key.jwk --public pub.jwk
//! echo '{"iss":"https://id.example","sub":"42","exp":4000000000}' |
//!     cargo run -p example-jwt-tool -- sign --key key.jwk --typ JWT > token
//! cargo run -p example-jwt-tool -- verify --key pub.jwk --issuer https://id.example < token
//! cargo run -p example-jwt-tool -- inspect < token
//! cargo run -p example-jwt-tool -- thumbprint --key pub.jwk
//! cargo run -p example-jwt-tool -- batch < requests.jsonl > answers.jsonl
//! ```
//!
//! Secrets come from files and standard input, never from arguments, which every process of the machine can read.
#![expect(clippy::print_stdout, reason = "a tool for the terminal")]

mod batch;
mod code;
mod commands;
mod distinct;
mod inspect;
mod keys;
mod verify;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match commands::Command::parse().run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("jwt-tool: {error}");
            ExitCode::from(2)
        }
    }
}

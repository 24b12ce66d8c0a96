//! Policies at the terminal, with nothing but the public interface of `auth-rbac`.
//!
//! ```text
//! cargo run -p example-authz -- check --policy policy.toml --principal ann --action docs.read --kind docs --id 1
//! cargo run -p example-authz -- explain --values --policy policy.toml --principal ann --action docs.read --kind docs --id 1
//! cargo run -p example-authz -- lint --policy policy.toml
//! cargo run -p example-authz -- test --policy policy.toml tests.toml
//! cargo run -p example-authz -- graph --policy policy.toml --format dot | dot -Tsvg > roles.svg
//! cargo run -p example-authz -- bench --policy policy.toml < requests.jsonl
//! cargo run -p example-authz -- batch --policy policy.toml < requests.jsonl > answers.jsonl
//! ```
//!
//! A policy is a file in TOML, or in JSON if its name ends so. What it may say is in the README of `auth-rbac`, and what
//! a request may say in `request.rs`.
#![expect(clippy::print_stdout, reason = "a tool for the terminal")]

mod batch;
mod bench;
mod commands;
mod coverage;
mod graph;
mod lint;
mod request;
mod table;
mod values;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match commands::Command::parse().run() {
        Ok(code) => code,
        Err(error) => {
            eprint!("authz: {error}");
            let mut source = error.source();
            while let Some(error) = source {
                eprint!(": {error}");
                source = error.source();
            }
            eprintln!();
            ExitCode::from(2)
        }
    }
}

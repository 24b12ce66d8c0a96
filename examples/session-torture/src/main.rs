//! Tortures a session store, and exits with 1 if it broke a promise, with 2 if it cannot be opened, and with 3 if nothing
//! could be tried on it.
//!
//! ```text
//! cargo run -p example-session-torture -- --store memory --seconds 10
//! cargo run -p example-session-torture -- --store file:torture --seconds 10
//! cargo run -p example-session-torture -- --store sqlite:torture.db --seconds 10
//! cargo run -p example-session-torture -- --store postgres://ann@127.0.0.1/test --seconds 10
//! cargo run -p example-session-torture -- --store mysql://ann@127.0.0.1/test --seconds 10
//! cargo run -p example-session-torture -- --store redis://127.0.0.1:6379/ --seconds 10
//! cargo run -p example-session-torture -- --store sqlite:torture.db --seconds 10 --seed 7 --tasks 1
//! ```
//!
//! Several nodes, each an engine with connections of its own, work on one store. Many tasks log in, write, read, lose
//! answers, refresh tokens, log out and end everything else, as people with several tabs do; between rounds, time passes, and every
//! session is compared with what was promised of it. See the library beside this file for what is checked.
//!
//! The seed is printed. With it and `--tasks 1`, the same is done again in the same order, but for what one client sends at
//! once; the fingerprint of the history tells. With more tasks each draws the same numbers again, and what comes of them
//! depends on who is first.
#![expect(clippy::print_stdout, reason = "a tool for the terminal")]

use std::{process::ExitCode, sync::Arc, time::Duration};

use auth_core::SessionStore;
use clap::Parser;
use example_session_torture::{OpenError, Options, StoreUrl, torture};

/// Random logins, writes, rotations and logouts on a session store, checked against a model.
#[derive(Debug, Parser)]
struct Arguments {
    /// `memory`, `file:DIR`, `sqlite:FILE`, `postgres://..`, `mysql://..` or `redis://..`. A database is one for tests:
    /// its tables `auth_..` are made and filled.
    // Read later: an error here would show it, and it may have a password in it.
    #[arg(long)]
    store: String,
    /// How long, in seconds: 1 to 3600.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    seconds: u64,
    /// Repeats what was done under this seed, with `--tasks 1`.
    #[arg(long)]
    seed: Option<u64>,
    /// How many tasks work at once: 1 to 256.
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=256))]
    tasks: u32,
    /// How many engines share the store: 1 to 16.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=16))]
    nodes: u32,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let seed = arguments.seed.unwrap_or_else(|| {
        let bytes = auth_core::entropy_array::<8>(&auth_core::SystemEntropy);
        bytes.map_or(1, u64::from_be_bytes)
    });
    println!("seed {seed}");
    let nodes = match open(&arguments).await {
        Ok(nodes) => nodes,
        Err(error) => {
            eprintln!("session-torture: {error}");
            return ExitCode::from(2);
        }
    };
    let options = Options {
        seed,
        tasks: arguments.tasks,
        time: Duration::from_secs(arguments.seconds),
        ..Options::default()
    };
    let report = torture(nodes, options).await;
    println!("{report}");
    match report.verdict() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("session-torture: {failure}");
            ExitCode::from(failure.exit_code())
        }
    }
}

/// The store of every node.
async fn open(arguments: &Arguments) -> Result<Vec<Arc<dyn SessionStore>>, OpenError> {
    let store: StoreUrl = arguments.store.parse()?;
    let mut nodes = Vec::new();
    for _ in 0..arguments.nodes {
        nodes.push(store.open(&nodes).await?);
    }
    Ok(nodes)
}

//! Sign up, log in, one-time codes, recovery by mail, keys for programs, a page for administrators, and a JSON API, on a
//! SQLite file.
//!
//! ```sh
//! cargo run -p quickstart                                   # serves http://127.0.0.1:3000
//! cargo run -p quickstart -- grant ann@example.com admin    # in another terminal, once the mail is read
//! ```
//!
//! Other databases, and Redis for the sessions, are features of the build:
//!
//! ```sh
//! cargo run -p quickstart --features postgres,redis -- --database postgres://localhost/app --sessions redis://localhost
//! ```
//!
//! And so is mail that is sent, through a server of yours:
//!
//! ```sh
//! cargo run -p quickstart --features smtp -- --smtp smtps://app@mail.example.com --smtp-password-file secret \
//!   --mail-from no-reply@example.com
//! ```
//!
//! Try it with a browser, or:
//!
//! ```sh
//! curl -d email=ann@example.com --data-urlencode 'password=a long sentence of mine' http://127.0.0.1:3000/signup
//! curl -H 'content-type: application/json' http://127.0.0.1:3000/api/login \
//!   -d '{"email":"ann@example.com","password":"a long sentence of mine"}'
//! ```

mod admin;
mod api;
mod cli;
mod device;
mod keys;
mod mail;
mod pages;
mod policy;
mod second_step;
mod setup;
mod stores;

use std::{error::Error, net::SocketAddr, process::ExitCode};

use auth_web::rbac::PolicyReloader;
use clap::Parser;
use tokio::{net::TcpListener, signal, time};

use crate::cli::{Cli, Command, Options};

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprint!("quickstart: {error}");
            let mut because = error.source();
            while let Some(source) = because {
                eprint!(": {source}");
                because = source.source();
            }
            eprintln!();
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let cli = Cli::parse();
    // What people read goes to the standard output, the log to the other one.
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info,sqlx=warn".into()),
        )
        .init();
    match cli.command.unwrap_or(Command::Serve) {
        Command::Serve => serve(&cli.options).await,
        Command::Grant { email, role, unverified } => {
            admin::grant(&cli.options, &email, &role, unverified).await
        }
        Command::Revoke { email, role } => admin::revoke(&cli.options, &email, &role).await,
        Command::SetPassword { email } => admin::set_password(&cli.options, &email).await,
        Command::RemoveDevice { email } => admin::remove_device(&cli.options, &email).await,
        Command::Disable { email } => admin::disable(&cli.options, &email).await,
        Command::Enable { email } => admin::enable(&cli.options, &email).await,
    }
}

async fn serve(options: &Options) -> Result<(), Box<dyn Error>> {
    // Bound first: with port 0 the address is known only now.
    let listener = TcpListener::bind(options.listen).await?;
    let listen = listener.local_addr()?;
    let (app, auth, reloader) = setup::build(options, listen).await?;
    let url = auth.public_url().origin().to_string();
    let routes = auth.mount(pages::routes().merge(api::routes()), app.clone());

    println!("Quickstart is at {url}");
    if options.smtp.is_set() {
        println!("Mail is sent");
    } else if let Some(file) = options.mail_file()? {
        println!("Mail is written to {}", file.display());
    }
    println!("Sign up there, open the link in your mail, then become admin: {}", admin::hint(options));
    let mail = app.mail.clone();
    let background = tokio::spawn(maintain(app, reloader));
    axum::serve(listener, routes.into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(stopped())
        .await?;
    background.abort();
    mail.close().await;
    Ok(())
}

/// Keeps the policy up to date, and the store free of what has expired.
async fn maintain(app: setup::App, mut reloader: PolicyReloader) {
    let mut seconds = time::interval(policy::INTERVAL);
    seconds.set_missed_tick_behavior(time::MissedTickBehavior::Delay);
    let mut failures = 0_u32;
    for tick in 0_u64.. {
        seconds.tick().await;
        match reloader.poll().await.outcome {
            Ok(_) => failures = 0,
            Err(error) => {
                failures = failures.saturating_add(1);
                let error = &error as &(dyn Error + 'static);
                tracing::warn!(error, failures, "the policy in force stays");
            }
        }
        if tick.is_multiple_of(60)
            && let Err(error) = app.maintain().await
        {
            tracing::warn!(%error, "tried again in a minute");
        }
    }
}

async fn stopped() {
    if signal::ctrl_c().await.is_err() {
        // Without the signal, the process is stopped from outside.
        std::future::pending::<()>().await;
    }
}

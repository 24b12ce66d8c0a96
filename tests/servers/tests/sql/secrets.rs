//! What is printed.

use std::error::Error;

use auth_sql::{MySql, MySqlOptions, Postgres, PostgresOptions, SetupError};

use crate::support::{Server, TIMEOUT, account, ann, on_every_server};

on_every_server!(no_error_has_a_row_in_it);

fn chain(error: &dyn Error) -> String {
    let mut printed = format!("{error} {error:?}");
    let mut source = error.source();
    while let Some(cause) = source {
        printed.push_str(&format!(" {cause} {cause:?}"));
        source = cause.source();
    }
    printed
}

/// Servers quote the row that a constraint was against. Logs of a program are read by more people than its
/// database.
async fn no_error_has_a_row_in_it<S: Server>() {
    let server = S::shared();
    let url = server.create().await;
    let stores = S::open(&url, TIMEOUT).await.unwrap();
    S::run(&url, "ALTER TABLE auth_accounts ADD CONSTRAINT nobody CHECK (created_at < 0)").await;
    let error = stores.accounts.create(&account(&ann()), &[]).await.unwrap_err();
    let printed = chain(&error);
    assert!(!printed.contains("ann") && printed.contains("SQLSTATE"), "{printed}");
}

/// The password of the database is in its URL, and errors of starting are what people post.
#[tokio::test]
async fn no_error_and_no_handle_has_the_password_in_it() {
    let urls = ["x://u:hunter2@h/d", "postgres://u:hunter2@127.0.0.1:1/d?sslmode=hunter2", "hunter2"];
    let mut errors = Vec::new();
    for url in urls.into_iter().chain(["postgres://u:hunter2@127.0.0.1:1/d"]) {
        errors.push(Postgres::open(url, PostgresOptions::default()).await.unwrap_err());
    }
    let urls =
        ["mysql://u:hunter2@127.0.0.1:1/d?ssl-mode=hunter2", "hunter2", "mysql://u:hunter2@127.0.0.1:1"];
    for url in urls.into_iter().chain(["mysql://u:hunter2@127.0.0.1:1/d"]) {
        errors.push(MySql::open(url, MySqlOptions::default()).await.unwrap_err());
    }
    for error in &errors {
        assert!(!chain(error).contains("hunter2"), "{}", chain(error));
    }
    let unreadable = errors.iter().filter(|error| matches!(error, SetupError::Url)).count();
    assert!(unreadable >= 4, "{errors:?}");
}

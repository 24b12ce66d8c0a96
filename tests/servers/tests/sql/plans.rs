//! How the servers find rows: a query that walks a whole table works in every test, and stops the service on the day it
//! has users.

use std::collections::BTreeSet;

use auth_core::{
    AuditEvent, Page,
    conformance::{self, Tasks},
};
use auth_jwt::{Issuer, Revocation, RevocationRecord, RevocationStore};
use auth_sql::{AuditQuery, MySql, MySqlOptions, Postgres, PostgresOptions};
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};

use crate::support::{MariaDbServer, NOW, PostgresServer, Server, after, ann};

/// Runs the suites one after the other on one database that is emptied before each check.
macro_rules! run_suites {
    ($database:ident, $empty:ident, $race:ident) => {
        let (sessions, tokens) = ($database.sessions(), $database.tokens());
        let (counters, roles) = ($database.counters(), $database.assignments());
        let both = ($database.accounts(), $database.accounts());
        let fresh = || async {
            $empty().await;
            sessions.clone()
        };
        conformance::session_store(fresh, &$race).await.assert_passed();
        let fresh = || async {
            $empty().await;
            tokens.clone()
        };
        conformance::token_store(fresh, &$race).await.assert_passed();
        let fresh = || async {
            $empty().await;
            counters.clone()
        };
        conformance::counter_store(fresh, &$race).await.assert_passed();
        let fresh = || async {
            $empty().await;
            both.clone()
        };
        conformance::account_store(fresh, &$race).await.assert_passed();
        let fresh = || async {
            $empty().await;
            both.clone()
        };
        conformance::credential_store(fresh, &$race).await.assert_passed();
        let fresh = || async {
            $empty().await;
            roles.clone()
        };
        conformance::assignment_store(fresh, &$race).await.assert_passed();
    };
}

/// Asks the audit log for what it is asked for.
macro_rules! read_audit {
    ($database:ident) => {
        let audit = $database.audit();
        for n in 0..3 {
            audit.append(after(n), &[AuditEvent::AccountCreated { principal: ann() }]).await.unwrap();
        }
        for query in [AuditQuery::all(), AuditQuery::of(ann())] {
            let found = audit.list(&query.since(NOW).until(after(2)), Page::first()).await.unwrap();
            assert_eq!(found.len(), 2);
        }
        audit.purge(after(1), 100).await.unwrap();
    };
}

/// Keeps revocations, reads them and forgets those that have ended.
macro_rules! use_revocations {
    ($database:ident) => {
        let revocations = $database.revocations();
        let issuer = Issuer::new("https://id.example").unwrap();
        for n in 0..3_000 {
            let revocation = Revocation::session(issuer.clone(), &format!("s{n}")).unwrap();
            let record = RevocationRecord { revocation, ends_at: after(n) };
            revocations.put(&record, NOW).await.unwrap();
        }
        let mut found = 0;
        let mut each = |_| {
            found += 1;
            Ok(())
        };
        revocations.load(NOW, &mut each).await.unwrap();
        assert_eq!(found, 2_999);
        assert_eq!(revocations.purge(after(100), 50).await.unwrap(), 50);
    };
}

/// Many users, so that an index is worth its while.
const FILLED: &str = "
    INSERT INTO auth_accounts SELECT 'local:default', 'user', 'id' || n, 'login' || n, 'active', 0, 1, n % 1000 = 0, n
        FROM generate_series(1, 20000) AS n;
    INSERT INTO auth_credentials
        SELECT 'local:default', 'password', n::text::bytea, 'user', 'id' || n, '', 1, 0, n, NULL, NULL
        FROM generate_series(1, 20000) AS n;
    INSERT INTO auth_sessions (
            id, kind, realm, principal_kind, principal_id, epoch, secret, rotated_at, seen, generation, reissued,
            version, created_at, last_used_at, idle_until, absolute_until, data
        )
        SELECT n::text::bytea, 'cookie', 'local:default', 'user', 'id' || n, 0, '', 0, TRUE, 0, 0, 1, n, n, n, n, ''
        FROM generate_series(1, 20000) AS n;
    INSERT INTO auth_session_epochs SELECT 'local:default', 'user', 'id' || n, 0, n FROM generate_series(1, 20000) AS n;
    INSERT INTO auth_tokens SELECT 'local:default', 'reset', n::text::bytea, 'id' || n, '', n
        FROM generate_series(1, 20000) AS n;
    INSERT INTO auth_counters SELECT n::text::bytea, 64, n, 1, n FROM generate_series(1, 20000) AS n;
    INSERT INTO auth_assignments SELECT 'local:default', 'user', 'id' || n, 'admin' FROM generate_series(1, 20000) AS n;
    INSERT INTO auth_audit SELECT 1000 + n, n, 'login', 'local:default', 'user', 'id' || n % 100, '{}', NULL, NULL
        FROM generate_series(1, 20000) AS n;
    INSERT INTO auth_revocations SELECT sha256(n::text::bytea), 'https://id.example', 'session', n::text::bytea, NULL, n
        FROM generate_series(1, 20000) AS n;
    ANALYZE; SET plan_cache_mode = force_generic_plan";

/// The plan of every statement of every suite, made for a database that has users.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn postgres_scans_no_table() {
    let server = servers::Postgres::start(&["fsync=off", "log_statement=all"]);
    let url = server.url("postgres");
    let database = Postgres::open(&url, PostgresOptions::default()).await.unwrap();
    let fresh = async || {
        let empty = "TRUNCATE auth_accounts, auth_credentials, auth_sessions, auth_session_epochs, auth_tokens, \
            auth_counters, auth_assignments; UPDATE auth_assignments_version SET version = 0 WHERE id = 1";
        PostgresServer::run(&url, empty).await;
    };
    let race = Tasks::new(tokio::spawn).with_rounds(1);
    run_suites!(database, fresh, race);
    read_audit!(database);
    use_revocations!(database);
    fresh().await;
    let log = server.log();
    // "LOG:  execute sqlx_s_1: SELECT .. WHERE id = $1"
    let executed = log.lines().filter_map(|line| line.split_once("execute sqlx_s_")?.1.split_once(": "));
    let statements: BTreeSet<_> = executed
        .map(|(_, text)| text)
        .filter(|text| text.contains("auth_") && text.contains(" WHERE "))
        .collect();
    assert!(statements.len() >= 40, "{statements:?}");
    let mut connection = PgConnection::connect(&url).await.unwrap();
    sqlx::raw_sql(FILLED).execute(&mut connection).await.unwrap();
    // A table of one row is one page, however it is read.
    for text in statements.into_iter().filter(|text| !ONE_ROW.iter().any(|table| text.contains(table))) {
        let values = (1..=30).filter(|n| text.contains(&format!("${n}"))).map(|_| "NULL").collect::<Vec<_>>();
        let values = if values.is_empty() { String::new() } else { format!("({})", values.join(", ")) };
        let explain = format!("DEALLOCATE ALL; PREPARE plan AS {text}; EXPLAIN EXECUTE plan{values}");
        let plan = sqlx::raw_sql(AssertSqlSafe(explain)).fetch_all(&mut connection).await.unwrap();
        let plan: Vec<String> = plan.iter().map(|row| row.get(0)).collect();
        let plan = plan.join("\n");
        assert!(!plan.contains("Seq Scan"), "{text}\n{plan}");
        // Ties of what an index has in order already are sorted; they are few.
        let sorts = plan.lines().any(|line| line.trim_start_matches(['-', '>', ' ']).starts_with("Sort"));
        assert!(!sorts || text.contains("ORDER BY created_at, id LIMIT"), "{text}\n{plan}");
        // What names a row is looked up in an index, and not compared row by row. Of one session that was found by its
        // id, the owner is.
        let filter = plan.lines().filter(|line| line.trim_start().starts_with("Filter:")).collect::<String>();
        let compared = NAMES.iter().any(|column| filter.contains(&format!("({column} = ")));
        assert!(!compared || text.contains("UPDATE auth_sessions SET epoch"), "{text}\n{plan}");
    }
}

const ONE_ROW: [&str; 2] = ["auth_assignments_version", "auth_audit_head"];

const NAMES: [&str; 9] =
    ["realm", "principal_id", "id", "login", "lookup", "subject", "hash", "counter", "role"];

/// Many users of MariaDB, whom the suites do not touch: nothing of theirs ends.
const CROWD: &str = "
    INSERT INTO auth_accounts SELECT 'local:default', 'user', CONCAT('crowd', seq), CONCAT('crowd', seq), 'active', 0, 1, 0,
        seq FROM seq_1_to_5000;
    INSERT INTO auth_credentials SELECT 'local:default', 'password', CONCAT('crowd', seq), 'user', CONCAT('crowd', seq), '',
        1, 0, seq, NULL, NULL FROM seq_1_to_5000;
    INSERT INTO auth_sessions (
            id, kind, realm, principal_kind, principal_id, epoch, secret, rotated_at, seen, generation, reissued,
            version, created_at, last_used_at, idle_until, absolute_until, data
        )
        SELECT CONCAT('crowd', seq), 'cookie', 'local:default', 'user', CONCAT('crowd', seq), 0, '', 0, 1, 0, 0, 1, seq, seq,
            9223372036854775807, 9223372036854775807, '' FROM seq_1_to_5000;
    INSERT INTO auth_session_epochs SELECT 'local:default', 'user', CONCAT('crowd', seq), 0, 9223372036854775807
        FROM seq_1_to_5000;
    INSERT INTO auth_tokens SELECT 'local:default', 'crowd', CONCAT('crowd', seq), CONCAT('crowd', seq), '',
        9223372036854775807 FROM seq_1_to_5000;
    INSERT INTO auth_counters SELECT CONCAT('crowd', seq), 64, seq, 1, 9223372036854775807 FROM seq_1_to_5000;
    INSERT INTO auth_audit SELECT 1000 + seq, seq, 'login', 'local:default', 'user', CONCAT('crowd', seq % 100), '{}', NULL,
        NULL FROM seq_1_to_5000;
    ANALYZE TABLE auth_accounts, auth_credentials, auth_sessions, auth_session_epochs, auth_tokens, auth_counters,
        auth_audit";

/// Makes room for the next check.
const ALL_BUT_THE_CROWD: &str = "
    DELETE FROM auth_accounts WHERE id NOT LIKE 'crowd%'; DELETE FROM auth_sessions WHERE id NOT LIKE 'crowd%';
    DELETE FROM auth_session_epochs WHERE principal_id NOT LIKE 'crowd%';
    DELETE FROM auth_tokens WHERE hash NOT LIKE 'crowd%'; DELETE FROM auth_counters WHERE counter NOT LIKE 'crowd%';
    DELETE FROM auth_assignments; UPDATE auth_assignments_version SET version = 0 WHERE id = 1";

/// The same of MariaDB, which writes its plan under each statement. Roles are all listed together and have no crowd: for
/// a table of a few rows it likes to scan, so there what counts is that there is an index that it could use.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn mariadb_scans_no_table() {
    let server = servers::MariaDb::start(&[
        "innodb-flush-log-at-trx-commit=0",
        "slow-query-log=1",
        "slow-query-log-file=slow.log",
        "long-query-time=0",
        "log-slow-verbosity=query_plan,explain",
    ]);
    MariaDbServer::run(&server.url("mysql"), "CREATE DATABASE app").await;
    let url = server.url("app");
    let database = MySql::open(&url, MySqlOptions::default()).await.unwrap();
    MariaDbServer::run(&url, CROWD).await;
    let fresh = async || MariaDbServer::run(&url, ALL_BUT_THE_CROWD).await;
    let race = Tasks::new(tokio::spawn).with_rounds(1);
    run_suites!(database, fresh, race);
    read_audit!(database);
    use_revocations!(database);
    let log = server.read("slow.log");
    let (mut planned, mut unsought) = (0, Vec::new());
    for entry in log.split("# User@Host:").skip(1) {
        let statement: String = entry.lines().filter(|line| !line.starts_with('#')).collect();
        if ["information_schema", "crowd"].iter().any(|word| statement.contains(word))
            || !statement.contains(" WHERE ")
        {
            continue;
        }
        for plan in entry.lines().filter_map(|line| line.strip_prefix("# explain: ")) {
            planned += 1;
            // id, kind of SELECT, table, way, keys that there are, the one that is used, ..
            let columns: Vec<_> = plan.split('\t').collect();
            let few = columns[2].contains("assignments");
            let key = if few { columns[4] } else { columns[5] };
            let sought = key != "NULL" && (few || !matches!(columns[3], "ALL" | "index"));
            let no_table = columns[2] == "NULL";
            if !sought && !no_table && columns[1] != "INSERT" {
                unsought.push(format!("{plan}\n{statement}"));
            }
        }
    }
    assert!(planned > 1_000, "{planned} plans");
    assert!(unsought.is_empty(), "{} of {planned}:\n{}", unsought.len(), unsought.join("\n"));
}

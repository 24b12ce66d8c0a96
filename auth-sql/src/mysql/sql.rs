//! What MariaDB and MySQL say in words of their own.

use crate::server::sql::{Dialect, Returning, counted, inserts};

macro_rules! sum {
    () => {
        "SELECT CAST(LEAST(COALESCE(SUM(counted), 0), 9223372036854775807) AS SIGNED) AS counted \
        FROM auth_counters WHERE counter = ?1 AND window_secs = ?2 AND bucket >= ?3"
    };
}

pub(super) const DIALECT: Dialect = Dialect {
    begin: "START TRANSACTION READ WRITE",
    // For the next transaction alone; with any other isolation, no snapshot is taken.
    #[cfg(feature = "policy")]
    begin_reading: "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; \
        START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
    #[cfg(feature = "policy")]
    or_nothing: "",
    // A key that is taken is an error, which the transaction survives. `INSERT IGNORE` would ignore others too.
    inserts: inserts!(""),
    // There are no locks that end with the transaction, other than those of rows.
    lock_principal: "INSERT INTO auth_session_epochs (realm, principal_kind, principal_id, epoch, kept_until) \
        VALUES (?1, ?2, ?3, 0, ?4) ON DUPLICATE KEY UPDATE epoch = epoch",
    mark: "INSERT INTO auth_session_epochs (realm, principal_kind, principal_id, epoch, kept_until) \
        VALUES (?1, ?2, ?3, ?4, ?5) ON DUPLICATE KEY UPDATE \
            epoch = GREATEST(epoch, VALUES(epoch)), kept_until = GREATEST(kept_until, VALUES(kept_until))",
    delete_oldest: concat!(
        "DELETE FROM auth_sessions WHERE ",
        counted!(),
        " ORDER BY created_at, id LIMIT ?5"
    ),
    purge_sessions: "DELETE FROM auth_sessions WHERE ends_at <= ?1 ORDER BY ends_at LIMIT ?2",
    purge_markers: "DELETE FROM auth_session_epochs WHERE kept_until <= ?1 ORDER BY kept_until LIMIT ?2",
    // Two replacements at once find each other's row locked, and one of them is begun anew.
    lock_subject: None,
    take: Returning::LockThenWrite {
        lock: "SELECT subject, payload, expires_at FROM auth_tokens \
            WHERE realm = ?1 AND purpose = ?2 AND hash = ?3 AND expires_at > ?4 AND subject IS NOT NULL \
            FOR UPDATE",
        write: "DELETE FROM auth_tokens WHERE realm = ?1 AND purpose = ?2 AND hash = ?3",
    },
    revoke_tokens: Returning::LockThenWrite {
        lock: "SELECT expires_at > ?4 AS live FROM auth_tokens \
            WHERE realm = ?1 AND purpose = ?2 AND subject = ?3 FOR UPDATE",
        write: "DELETE FROM auth_tokens WHERE realm = ?1 AND purpose = ?2 AND subject = ?3",
    },
    // The second addition is for a row that was purged after the first.
    claim: &[
        CLAIM,
        "UPDATE auth_tokens SET subject = NULL, payload = NULL, expires_at = ?4 \
        WHERE realm = ?1 AND purpose = ?2 AND hash = ?3 AND expires_at <= ?5",
        CLAIM,
    ],
    purge_tokens: "DELETE FROM auth_tokens WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2",
    lock_counter: None,
    add: "INSERT INTO auth_counters (counter, window_secs, bucket, counted, forgotten_at) \
        VALUES (?1, ?2, ?3, ?4, ?5) ON DUPLICATE KEY UPDATE counted = counted + VALUES(counted)",
    // Waits for what others add and have not committed.
    sum_after_adding: concat!(sum!(), " FOR UPDATE"),
    sum: sum!(),
    purge_counters: "DELETE FROM auth_counters WHERE forgotten_at <= ?1 ORDER BY forgotten_at LIMIT ?2",
    count_failure: Returning::LockThenWrite {
        lock: "SELECT LEAST(failures + 1, 4294967295) AS failures FROM auth_credentials \
            WHERE realm = ?1 AND kind = ?2 AND lookup = ?3 FOR UPDATE",
        write: "UPDATE auth_credentials SET failures = LEAST(failures + 1, 4294967295) \
            WHERE realm = ?1 AND kind = ?2 AND lookup = ?3",
    },
    #[cfg(feature = "revocations")]
    put_revocation: concat!(
        crate::revocations::insert!(),
        " ON DUPLICATE KEY UPDATE \
            date = CASE WHEN date IS NULL OR VALUES(date) IS NULL THEN NULL \
                ELSE GREATEST(date, VALUES(date)) END, \
            ends_at = GREATEST(ends_at, VALUES(ends_at))"
    ),
    #[cfg(feature = "revocations")]
    purge_revocations: "DELETE FROM auth_revocations WHERE ends_at >= 0 AND ends_at <= ?1 ORDER BY ends_at LIMIT ?2",
};

const CLAIM: &str = "INSERT INTO auth_tokens (realm, purpose, hash, expires_at) VALUES (?1, ?2, ?3, ?4)";

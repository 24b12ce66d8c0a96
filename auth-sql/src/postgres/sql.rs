//! What PostgreSQL says in words of its own.

use crate::server::sql::{Dialect, Returning, counted, inserts};

/// Locks of transactions, found by the hash of what they are for. Two things with one hash wait for each other, which
/// is harmless. The last number keeps kinds of locks apart. They end with the transaction, as poolers want it.
macro_rules! advisory_lock {
    ($name:literal, $kind:literal) => {
        concat!("SELECT pg_advisory_xact_lock(hashtextextended(", $name, ", ", $kind, "))")
    };
}

/// Deletes the rows that ended first. Two purges at once share the work. The rows are found where they lie, which they do
/// not leave while they are locked; by their keys, PostgreSQL would look for them in the whole table.
macro_rules! purge {
    ($table:literal, $column:literal) => {
        concat!(
            "DELETE FROM ",
            $table,
            " WHERE ctid = ANY (ARRAY (SELECT ctid FROM ",
            $table,
            " WHERE ",
            $column,
            " <= ?1 ORDER BY ",
            $column,
            " LIMIT ?2 FOR UPDATE SKIP LOCKED))"
        )
    };
}

pub(super) const DIALECT: Dialect = Dialect {
    // Whatever the default of the database: a snapshot from before a lock was got would miss what the lock is for.
    begin: "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
    #[cfg(feature = "policy")]
    begin_reading: "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    #[cfg(feature = "policy")]
    or_nothing: " ON CONFLICT DO NOTHING",
    inserts: inserts!(" ON CONFLICT DO NOTHING"),
    lock_principal: advisory_lock!("?1 || chr(10) || ?2 || chr(10) || ?3", "7061701"),
    mark: "INSERT INTO auth_session_epochs (realm, principal_kind, principal_id, epoch, kept_until) \
        VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (realm, principal_kind, principal_id) DO UPDATE SET \
            epoch = GREATEST(auth_session_epochs.epoch, excluded.epoch), \
            kept_until = GREATEST(auth_session_epochs.kept_until, excluded.kept_until)",
    delete_oldest: concat!(
        "DELETE FROM auth_sessions WHERE id = ANY (ARRAY (SELECT id FROM auth_sessions WHERE ",
        counted!(),
        " ORDER BY created_at, id LIMIT ?5))"
    ),
    purge_sessions: purge!("auth_sessions", "ends_at"),
    purge_markers: purge!("auth_session_epochs", "kept_until"),
    lock_subject: Some(advisory_lock!("?1 || chr(10) || ?2 || chr(10) || ?4", "7061702")),
    take: Returning::AtOnce(
        "DELETE FROM auth_tokens \
        WHERE realm = ?1 AND purpose = ?2 AND hash = ?3 AND expires_at > ?4 AND subject IS NOT NULL \
        RETURNING subject, payload, expires_at",
    ),
    revoke_tokens: Returning::AtOnce(
        "DELETE FROM auth_tokens WHERE realm = ?1 AND purpose = ?2 AND subject = ?3 \
        RETURNING expires_at > ?4 AS live",
    ),
    claim: &["INSERT INTO auth_tokens (realm, purpose, hash, expires_at) VALUES (?1, ?2, ?3, ?4) \
        ON CONFLICT (realm, purpose, hash) DO UPDATE \
            SET subject = NULL, payload = NULL, expires_at = excluded.expires_at \
            WHERE auth_tokens.expires_at <= ?5"],
    purge_tokens: purge!("auth_tokens", "expires_at"),
    lock_counter: Some(advisory_lock!("encode(?1, 'hex') || ' ' || ?2", "7061703")),
    add: "INSERT INTO auth_counters (counter, window_secs, bucket, counted, forgotten_at) \
        VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (counter, window_secs, bucket) DO UPDATE \
            SET counted = auth_counters.counted + excluded.counted",
    sum_after_adding: SUM,
    sum: SUM,
    purge_counters: purge!("auth_counters", "forgotten_at"),
    count_failure: Returning::AtOnce(
        "UPDATE auth_credentials SET failures = LEAST(failures + 1, 4294967295) \
        WHERE realm = ?1 AND kind = ?2 AND lookup = ?3 RETURNING failures",
    ),
    // GREATEST passes over NULL.
    #[cfg(feature = "revocations")]
    put_revocation: concat!(
        crate::revocations::insert!(),
        " ON CONFLICT (hash) DO UPDATE SET \
            date = CASE WHEN auth_revocations.date IS NULL OR excluded.date IS NULL THEN NULL \
                ELSE GREATEST(auth_revocations.date, excluded.date) END, \
            ends_at = GREATEST(auth_revocations.ends_at, excluded.ends_at)"
    ),
    #[cfg(feature = "revocations")]
    purge_revocations: "DELETE FROM auth_revocations WHERE ctid = ANY (ARRAY (\
        SELECT ctid FROM auth_revocations WHERE ends_at >= 0 AND ends_at <= ?1 \
        ORDER BY ends_at LIMIT ?2 FOR UPDATE SKIP LOCKED))",
};

const SUM: &str = "SELECT CAST(LEAST(COALESCE(sum(counted), 0), 9223372036854775807) AS BIGINT) AS counted \
    FROM auth_counters WHERE counter = ?1 AND window_secs = ?2 AND bucket >= ?3";

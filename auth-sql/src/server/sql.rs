//! The statements that every server is given in the same words, and the list of those that each says in its own.
//!
//! Parameters 1 to 3 name the principal where there is one, or the key.

pub(crate) mod account;
pub(crate) mod session;

/// What a database says in words of its own.
pub(crate) struct Dialect {
    pub(crate) begin: &'static str,
    /// Begins a transaction whose statements all see the same moment.
    #[cfg(feature = "policy")]
    pub(crate) begin_reading: &'static str,
    /// Ends an addition that is to change nothing where the row is there already.
    #[cfg(feature = "policy")]
    pub(crate) or_nothing: &'static str,
    pub(crate) inserts: Inserts,
    /// Makes transactions about the sessions of the principal ?1 ?2 ?3 wait for each other. What it leaves behind is
    /// forgotten at ?4.
    pub(crate) lock_principal: &'static str,
    pub(crate) mark: &'static str,
    pub(crate) delete_oldest: &'static str,
    pub(crate) purge_sessions: &'static str,
    pub(crate) purge_markers: &'static str,
    /// Makes replacements of tokens of the subject ?4 wait for each other, where deleting does not see to it.
    pub(crate) lock_subject: Option<&'static str>,
    pub(crate) take: Returning,
    pub(crate) revoke_tokens: Returning,
    /// Tried in this order until one changes a row.
    pub(crate) claim: &'static [&'static str],
    pub(crate) purge_tokens: &'static str,
    /// Makes additions to the counter ?1 ?2 wait for each other, where adding up does not see to it.
    pub(crate) lock_counter: Option<&'static str>,
    pub(crate) add: &'static str,
    /// The sum of what the transaction and those before it added.
    pub(crate) sum_after_adding: &'static str,
    pub(crate) sum: &'static str,
    pub(crate) purge_counters: &'static str,
    pub(crate) count_failure: Returning,
    /// Adds a revocation, or moves the date and the end of the one that there is, each to the later of the two.
    #[cfg(feature = "revocations")]
    pub(crate) put_revocation: &'static str,
    #[cfg(feature = "revocations")]
    pub(crate) purge_revocations: &'static str,
}

/// Additions of rows. None is changed or added where a unique key is taken.
pub(crate) struct Inserts {
    pub(crate) session: &'static str,
    pub(crate) token: &'static str,
    pub(crate) account: &'static str,
    pub(crate) credential: &'static str,
    pub(crate) assignment: &'static str,
}

/// A change that answers the rows that it changed.
#[derive(Clone, Copy)]
#[cfg_attr(
    not(all(feature = "postgres", feature = "mysql")),
    expect(dead_code, reason = "each is the way of one database")
)]
pub(crate) enum Returning {
    /// One statement does both.
    AtOnce(&'static str),
    /// The rows are read and locked, and then changed.
    LockThenWrite { lock: &'static str, write: &'static str },
}

/// The additions, each with what makes them do nothing where a unique key is taken.
macro_rules! inserts {
    ($end:literal) => {
        crate::server::sql::Inserts {
            session: concat!(
                "INSERT INTO auth_sessions (\
                    id, kind, realm, principal_kind, principal_id, epoch, authentication, terms, \
                    version, created_at, last_used_at, idle_until, absolute_until, data, \
                    secret, previous_secret, rotated_at, seen, generation, reissued\
                ) VALUES (\
                    ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20\
                )",
                $end
            ),
            token: concat!(
                "INSERT INTO auth_tokens (realm, purpose, hash, subject, payload, expires_at) \
                VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                $end
            ),
            account: concat!(
                "INSERT INTO auth_accounts \
                    (realm, kind, id, login, status, epoch, version, sweep_pending, created_at) \
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                $end
            ),
            credential: concat!(
                "INSERT INTO auth_credentials (\
                    realm, kind, lookup, owner_kind, owner_id, data, version, failures, created_at, \
                    last_used_at, expires_at\
                ) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
                $end
            ),
            assignment: concat!(
                "INSERT INTO auth_assignments (realm, principal_kind, principal_id, role) \
                VALUES (?1, ?2, ?3, ?4)",
                $end
            ),
        }
    };
}
pub(crate) use inserts;

/// Sets the version after a change: the largest number stays.
macro_rules! next_version {
    () => {
        "version = LEAST(version, 9223372036854775806) + 1"
    };
}
use next_version;

/// Of the principal ?1 ?2 ?3, alive at ?4. What ends at a deadline is no longer alive then.
macro_rules! live {
    () => {
        "realm = ?1 AND principal_kind = ?2 AND principal_id = ?3 AND ends_at > ?4"
    };
}
pub(crate) use live;

/// As [`live`], and counted by a limit: nobody else acts in it. A quote within a string of JSON has a backslash before
/// it, so that nothing but the name of a member is found.
macro_rules! counted {
    () => {
        concat!($crate::server::sql::live!(), r#" AND authentication NOT LIKE '%"actor":%'"#)
    };
}
pub(crate) use counted;

pub(crate) mod token {
    //! Single-use tokens and counters.

    pub(crate) const DELETE_OTHERS: &str = "DELETE FROM auth_tokens \
        WHERE realm = ?1 AND purpose = ?2 AND hash <> ?3 AND subject = ?4";

    pub(crate) const PEEK: &str = "SELECT subject, payload, expires_at FROM auth_tokens \
        WHERE realm = ?1 AND purpose = ?2 AND hash = ?3 AND expires_at > ?4 AND subject IS NOT NULL";

    pub(crate) const RESET: &str = "DELETE FROM auth_counters WHERE counter = ?1 AND window_secs = ?2";
}

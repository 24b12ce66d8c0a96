//! Accounts, credentials and assignments.

use super::next_version;

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT realm, kind, id, login, status, epoch, version, sweep_pending, created_at \
            FROM auth_accounts ",
            $rest
        )
    };
}

pub(crate) const BY_ID: &str = select!("WHERE realm = ?1 AND kind = ?2 AND id = ?3");

pub(crate) const BY_ID_LOCKED: &str = select!("WHERE realm = ?1 AND kind = ?2 AND id = ?3 FOR UPDATE");

pub(crate) const BY_LOGIN: &str = select!("WHERE realm = ?1 AND login = ?2");

pub(crate) const SWEEPS: &str =
    select!("WHERE sweep_pending = TRUE ORDER BY realm, kind, id LIMIT ?1 OFFSET ?2");

pub(crate) const LOGIN_TAKEN: &str = "SELECT 1 AS one FROM auth_accounts WHERE realm = ?1 AND login = ?2";

pub(crate) const LOGIN_TAKEN_BY_ANOTHER: &str = "SELECT 1 AS one FROM auth_accounts \
    WHERE realm = ?1 AND login = ?4 AND NOT (kind = ?2 AND id = ?3)";

pub(crate) const UPDATE: &str = "UPDATE auth_accounts \
    SET login = ?4, status = ?5, epoch = ?6, version = ?7, sweep_pending = ?8 \
    WHERE realm = ?1 AND kind = ?2 AND id = ?3";

pub(crate) const DELETE: &str = "DELETE FROM auth_accounts WHERE realm = ?1 AND kind = ?2 AND id = ?3";

pub(crate) const EPOCH_OF: &str = "SELECT epoch FROM auth_accounts \
    WHERE realm = ?1 AND kind = ?2 AND id = ?3 AND status = ?4";

pub(crate) mod credential {
    //! Credentials.

    use super::next_version;

    macro_rules! columns {
        () => {
            "c.realm, c.kind, c.lookup, c.owner_kind, c.owner_id, c.data, c.version, c.failures, \
            c.created_at, c.last_used_at, c.expires_at"
        };
    }

    pub(crate) const REPLACE: &str = concat!(
        "UPDATE auth_credentials SET data = ?7, failures = 0, ",
        next_version!(),
        " WHERE realm = ?1 AND kind = ?2 AND lookup = ?3 AND owner_kind = ?4 AND owner_id = ?5 \
        AND version = ?6"
    );

    pub(crate) const REMOVE: &str = "DELETE FROM auth_credentials \
        WHERE realm = ?1 AND kind = ?2 AND lookup = ?3 AND owner_kind = ?4 AND owner_id = ?5";

    pub(crate) const FIND: &str = concat!(
        "SELECT ",
        columns!(),
        ", a.status, a.epoch FROM auth_credentials AS c \
        JOIN auth_accounts AS a ON a.realm = c.realm AND a.kind = c.owner_kind AND a.id = c.owner_id \
        WHERE c.realm = ?1 AND c.kind = ?2 AND c.lookup = ?3"
    );

    pub(crate) const LIST: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM auth_credentials AS c WHERE c.realm = ?1 AND c.owner_kind = ?2 AND c.owner_id = ?3 \
        ORDER BY c.created_at, c.kind, c.lookup LIMIT ?4 OFFSET ?5"
    );

    pub(crate) const EXISTS: &str =
        "SELECT 1 AS one FROM auth_credentials WHERE realm = ?1 AND kind = ?2 AND lookup = ?3";

    pub(crate) const UPDATE: &str = concat!(
        "UPDATE auth_credentials SET data = ?5, ",
        next_version!(),
        " WHERE realm = ?1 AND kind = ?2 AND lookup = ?3 AND version = ?4"
    );

    pub(crate) const CONSUME: &str = "DELETE FROM auth_credentials \
        WHERE realm = ?1 AND kind = ?2 AND lookup = ?3 AND version = ?4";

    pub(crate) const SUCCEEDED: &str = "UPDATE auth_credentials \
        SET failures = 0, last_used_at = GREATEST(COALESCE(last_used_at, ?5), ?5) \
        WHERE realm = ?1 AND kind = ?2 AND lookup = ?3 AND version = ?4";
}

pub(crate) mod assignment {
    //! Assignments.

    use super::next_version;

    pub(crate) const REVOKE: &str = "DELETE FROM auth_assignments \
        WHERE realm = ?1 AND principal_kind = ?2 AND principal_id = ?3 AND role = ?4";

    pub(crate) const ROLES_OF: &str = "SELECT role FROM auth_assignments \
        WHERE realm = ?1 AND principal_kind = ?2 AND principal_id = ?3 ORDER BY role";

    pub(crate) const LIST: &str = "SELECT realm, principal_kind, principal_id, role FROM auth_assignments \
        ORDER BY realm, principal_kind, principal_id, role LIMIT ?1 OFFSET ?2";

    pub(crate) const VERSION: &str = "SELECT version FROM auth_assignments_version WHERE id = 1";

    pub(crate) const NEXT_VERSION: &str =
        concat!("UPDATE auth_assignments_version SET ", next_version!(), " WHERE id = 1");
}

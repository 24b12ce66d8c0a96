//! The statements about sessions. Parameters 1 to 3 name the principal where there is one.

use crate::sqlite::statement::next_version;

/// Of the principal ?1 ?2 ?3, alive at ?4. What ends at a deadline is no longer alive then.
macro_rules! live {
    () => {
        "realm = ?1 AND principal_kind = ?2 AND principal_id = ?3 AND ends_at > ?4"
    };
}

/// As [`live`], and counted by a limit: nobody else acts in it. A quote within a string of JSON has a backslash before
/// it, so that nothing but the name of a member is found.
macro_rules! counted {
    () => {
        concat!(live!(), r#" AND authentication NOT LIKE '%"actor":%'"#)
    };
}

pub(super) const EXISTS: &str = "SELECT 1 FROM auth_sessions WHERE id = ?1";

pub(super) const WHY_NOT: &str = "SELECT \
        EXISTS (SELECT 1 FROM auth_sessions WHERE id = ?5) AS known, \
        EXISTS (\
            SELECT 1 FROM auth_session_epochs \
            WHERE realm = ?1 AND principal_kind = ?2 AND principal_id = ?3 AND epoch > ?4\
        ) AS outdated";

pub(super) const INSERT: &str = "INSERT INTO auth_sessions (\
        id, kind, realm, principal_kind, principal_id, epoch, authentication, terms, \
        version, created_at, last_used_at, idle_until, absolute_until, data, \
        secret, previous_secret, rotated_at, seen, generation, reissued\
    ) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20)";

pub(super) const COUNT_LIVE: &str = concat!("SELECT count(*) AS live FROM auth_sessions WHERE ", counted!());

pub(super) const DELETE_OLDEST: &str = concat!(
    "DELETE FROM auth_sessions WHERE id IN (SELECT id FROM auth_sessions WHERE ",
    counted!(),
    " ORDER BY created_at, id LIMIT ?5)"
);

pub(super) const LOAD: &str = "SELECT \
        kind, epoch, authentication, terms, version, created_at, last_used_at, idle_until, absolute_until, data, \
        secret, previous_secret, rotated_at, seen, generation, reissued \
    FROM auth_sessions AS s \
    WHERE id = ?1 AND ends_at > ?2 AND NOT EXISTS (\
        SELECT 1 FROM auth_session_epochs AS e \
        WHERE e.realm = s.realm AND e.principal_kind = s.principal_kind AND e.principal_id = s.principal_id \
            AND e.epoch > s.epoch\
    )";

pub(super) const UPDATE: &str =
    concat!("UPDATE auth_sessions SET data = ?3, ", next_version!(), " WHERE id = ?1 AND version = ?2");

pub(super) const TOUCH: &str = "UPDATE auth_sessions SET \
        idle_until = max(idle_until, min(?3, absolute_until)), last_used_at = max(last_used_at, ?2) \
    WHERE id = ?1 AND ends_at > ?2";

pub(super) const ROTATE: &str = concat!(
    "UPDATE auth_sessions SET secret = ?3, previous_secret = ?4, rotated_at = ?5, seen = ?6, generation = ?7, \
        reissued = ?8, ",
    next_version!(),
    " WHERE id = ?1 AND version = ?2"
);

pub(super) const DELETE: &str = "DELETE FROM auth_sessions WHERE id = ?1";

pub(super) const LIST: &str = concat!(
    "SELECT id, kind, epoch, authentication, terms, created_at, last_used_at, ends_at FROM auth_sessions WHERE ",
    live!(),
    " ORDER BY created_at DESC, id LIMIT ?5 OFFSET ?6"
);

pub(super) const MARK: &str = "INSERT INTO auth_session_epochs \
        (realm, principal_kind, principal_id, epoch, kept_until) VALUES (?1, ?2, ?3, ?4, ?5) \
    ON CONFLICT DO UPDATE SET \
        epoch = max(epoch, excluded.epoch), kept_until = max(kept_until, excluded.kept_until)";

pub(super) const DELETE_OLDER: &str = "DELETE FROM auth_sessions \
    WHERE realm = ?1 AND principal_kind = ?2 AND principal_id = ?3 AND epoch < ?4";

pub(super) const MOVE_UP: &str = "UPDATE auth_sessions SET epoch = ?4 \
    WHERE realm = ?1 AND principal_kind = ?2 AND principal_id = ?3 AND epoch = ?5 AND id = ?6";

pub(super) const PURGE: &str = "DELETE FROM auth_sessions \
    WHERE rowid IN (SELECT rowid FROM auth_sessions WHERE ends_at <= ?1 LIMIT ?2)";

pub(super) const PURGE_MARKERS: &str = "DELETE FROM auth_session_epochs \
    WHERE (realm, principal_kind, principal_id) IN (\
        SELECT realm, principal_kind, principal_id FROM auth_session_epochs WHERE kept_until <= ?1 LIMIT ?2\
    )";

#[cfg(test)]
pub(in crate::sqlite) const ALL: &[&str] = &[
    EXISTS,
    WHY_NOT,
    COUNT_LIVE,
    DELETE_OLDEST,
    LOAD,
    UPDATE,
    TOUCH,
    ROTATE,
    DELETE,
    LIST,
    DELETE_OLDER,
    MOVE_UP,
    PURGE,
    PURGE_MARKERS,
];

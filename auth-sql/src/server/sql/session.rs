//! Sessions.

use super::{counted, live, next_version};

pub(crate) const EXISTS: &str = "SELECT 1 AS one FROM auth_sessions WHERE id = ?1";

pub(crate) const WHY_NOT: &str = "SELECT \
        EXISTS (SELECT 1 FROM auth_sessions WHERE id = ?5) AS known, \
        EXISTS (\
            SELECT 1 FROM auth_session_epochs \
            WHERE realm = ?1 AND principal_kind = ?2 AND principal_id = ?3 AND epoch > ?4\
        ) AS outdated";

pub(crate) const COUNT_LIVE: &str = concat!("SELECT count(*) AS live FROM auth_sessions WHERE ", counted!());

pub(crate) const LOAD: &str = "SELECT \
        kind, epoch, authentication, terms, version, created_at, last_used_at, idle_until, absolute_until, \
        data, secret, previous_secret, rotated_at, seen, generation, reissued \
    FROM auth_sessions AS s \
    WHERE id = ?1 AND ends_at > ?2 AND NOT EXISTS (\
        SELECT 1 FROM auth_session_epochs AS e \
        WHERE e.realm = s.realm AND e.principal_kind = s.principal_kind AND e.principal_id = s.principal_id \
            AND e.epoch > s.epoch\
    )";

pub(crate) const UPDATE: &str =
    concat!("UPDATE auth_sessions SET data = ?3, ", next_version!(), " WHERE id = ?1 AND version = ?2");

pub(crate) const TOUCH: &str = "UPDATE auth_sessions SET \
        idle_until = GREATEST(idle_until, LEAST(?3, absolute_until)), \
        last_used_at = GREATEST(last_used_at, ?2) \
    WHERE id = ?1 AND ends_at > ?2";

pub(crate) const ROTATE: &str = concat!(
    "UPDATE auth_sessions SET secret = ?3, previous_secret = ?4, rotated_at = ?5, seen = ?6, generation = ?7, \
        reissued = ?8, ",
    next_version!(),
    " WHERE id = ?1 AND version = ?2"
);

pub(crate) const DELETE: &str = "DELETE FROM auth_sessions WHERE id = ?1";

pub(crate) const LIST: &str = concat!(
    "SELECT id, kind, epoch, authentication, terms, created_at, last_used_at, ends_at FROM auth_sessions WHERE ",
    live!(),
    " ORDER BY created_at DESC, id LIMIT ?5 OFFSET ?6"
);

pub(crate) const DELETE_OLDER: &str = "DELETE FROM auth_sessions \
    WHERE realm = ?1 AND principal_kind = ?2 AND principal_id = ?3 AND epoch < ?4";

pub(crate) const MOVE_UP: &str = "UPDATE auth_sessions SET epoch = ?4 \
    WHERE realm = ?1 AND principal_kind = ?2 AND principal_id = ?3 AND epoch = ?5 AND id = ?6";

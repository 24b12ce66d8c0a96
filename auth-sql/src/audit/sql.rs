//! The statements, which are the same for every database.

use std::{fmt::Write as _, sync::LazyLock};

/// How many rows one statement adds at most.
pub(crate) const MANY: usize = 32;

const COLUMNS: usize = 9;

/// Adds one row.
pub(crate) static INSERT_ONE: LazyLock<String> = LazyLock::new(|| insert(1));

/// Adds [`MANY`] rows.
pub(crate) static INSERT_MANY: LazyLock<String> = LazyLock::new(|| insert(MANY));

fn insert(rows: usize) -> String {
    let mut text = "INSERT INTO auth_audit \
        (entry, happened_at, name, realm, principal_kind, principal_id, content, previous, hash) VALUES"
        .to_owned();
    for parameter in 1..=rows.saturating_mul(COLUMNS) {
        let before = match parameter % COLUMNS {
            1 if parameter == 1 => " (",
            1 => "), (",
            _ => ", ",
        };
        // Writing to a `String` does not fail.
        let _ = write!(text, "{before}?{parameter}");
    }
    text.push(')');
    text
}

macro_rules! head {
    ($rest:literal) => {
        concat!("SELECT entry, hash FROM auth_audit_head WHERE id = 1", $rest)
    };
}

pub(crate) const HEAD: &str = head!("");

#[cfg(any(feature = "postgres", feature = "mysql"))]
pub(crate) const HEAD_LOCKED: &str = head!(" FOR UPDATE");

pub(crate) const MOVE_HEAD: &str = "UPDATE auth_audit_head SET entry = ?1, hash = ?2 WHERE id = 1";

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT entry, happened_at, name, realm, principal_kind, principal_id, content, previous, hash \
            FROM auth_audit WHERE ",
            $rest
        )
    };
}

pub(crate) const LIST: &str = select!(
    "happened_at >= ?1 AND happened_at < ?2 ORDER BY happened_at DESC, entry DESC LIMIT ?3 OFFSET ?4"
);

pub(crate) const LIST_OF: &str = select!(
    "realm = ?5 AND principal_kind = ?6 AND principal_id = ?7 AND happened_at >= ?1 AND happened_at < ?2 \
    ORDER BY happened_at DESC, entry DESC LIMIT ?3 OFFSET ?4"
);

pub(crate) const AFTER: &str = select!("entry > ?1 ORDER BY entry LIMIT ?2");

pub(crate) const DELETE: &str = "DELETE FROM auth_audit WHERE entry >= ?1 AND entry <= ?2";

#[cfg(all(test, feature = "sqlite"))]
pub(crate) const ALL: &[&str] = &[HEAD, MOVE_HEAD, LIST, LIST_OF, AFTER, DELETE];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_has_its_own_parameters() {
        assert!(INSERT_ONE.ends_with("VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"), "{}", *INSERT_ONE);
        assert_eq!(INSERT_MANY.matches('?').count(), MANY * COLUMNS);
        assert_eq!(INSERT_MANY.matches("), (").count(), MANY - 1);
        assert!(INSERT_MANY.contains("?9), (?10, ") && INSERT_MANY.ends_with("?288)"), "{}", *INSERT_MANY);
    }
}

//! The storage traits of auth-core on SQLite.

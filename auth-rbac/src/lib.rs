//! Roles, permissions and deny rules, compiled into an immutable snapshot that answers in nanoseconds.

-- Text compares byte by byte (BINARY is SQLite's default; it is written out where a look-alike would be a breach).
-- Times are seconds since 1970-01-01T00:00:00Z; 9223372036854775807 is "never".

CREATE TABLE auth_accounts (
    realm TEXT NOT NULL COLLATE BINARY,
    kind TEXT NOT NULL,
    id TEXT NOT NULL COLLATE BINARY,
    login TEXT NOT NULL COLLATE BINARY,
    status TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    version INTEGER NOT NULL,
    sweep_pending INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (realm, kind, id),
    UNIQUE (realm, login)
) STRICT, WITHOUT ROWID;

CREATE INDEX auth_accounts_sweeps ON auth_accounts (realm, kind, id) WHERE sweep_pending = 1;

CREATE TABLE auth_credentials (
    realm TEXT NOT NULL COLLATE BINARY,
    kind TEXT NOT NULL COLLATE BINARY,
    lookup BLOB NOT NULL,
    owner_kind TEXT NOT NULL,
    owner_id TEXT NOT NULL COLLATE BINARY,
    data BLOB NOT NULL,
    version INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER,
    expires_at INTEGER,
    PRIMARY KEY (realm, kind, lookup),
    FOREIGN KEY (realm, owner_kind, owner_id) REFERENCES auth_accounts (realm, kind, id) ON DELETE CASCADE
) STRICT;

CREATE INDEX auth_credentials_owner ON auth_credentials (realm, owner_kind, owner_id, created_at, kind, lookup);

-- `secret` and `previous_secret` are SHA-256 hashes; `authentication` is JSON, except for the epoch, which is
-- the column's. Nobody is logged in where the principal is NULL.
CREATE TABLE auth_sessions (
    id BLOB NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    realm TEXT COLLATE BINARY,
    principal_kind TEXT,
    principal_id TEXT COLLATE BINARY,
    epoch INTEGER NOT NULL,
    authentication TEXT,
    secret BLOB NOT NULL,
    previous_secret BLOB,
    rotated_at INTEGER NOT NULL,
    seen INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    reissued INTEGER NOT NULL,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL,
    idle_until INTEGER NOT NULL,
    absolute_until INTEGER NOT NULL,
    ends_at INTEGER NOT NULL GENERATED ALWAYS AS (min(idle_until, absolute_until)) VIRTUAL,
    data BLOB NOT NULL
) STRICT;

CREATE INDEX auth_sessions_principal
    ON auth_sessions (realm, principal_kind, principal_id, created_at DESC, id) WHERE realm IS NOT NULL;
CREATE INDEX auth_sessions_ends_at ON auth_sessions (ends_at);

-- Sessions of older epochs are refused.
CREATE TABLE auth_session_epochs (
    realm TEXT NOT NULL COLLATE BINARY,
    principal_kind TEXT NOT NULL,
    principal_id TEXT NOT NULL COLLATE BINARY,
    epoch INTEGER NOT NULL,
    kept_until INTEGER NOT NULL,
    PRIMARY KEY (realm, principal_kind, principal_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX auth_session_epochs_kept_until ON auth_session_epochs (kept_until);

-- `hash` is the SHA-256 of the token. A row without a subject is a claim.
CREATE TABLE auth_tokens (
    realm TEXT NOT NULL COLLATE BINARY,
    purpose TEXT NOT NULL COLLATE BINARY,
    hash BLOB NOT NULL,
    subject TEXT COLLATE BINARY,
    payload BLOB,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (realm, purpose, hash)
) STRICT;

CREATE INDEX auth_tokens_subject ON auth_tokens (realm, purpose, subject) WHERE subject IS NOT NULL;
CREATE INDEX auth_tokens_expires_at ON auth_tokens (expires_at);

-- One row for each bucket of a window of `window_secs` seconds that something was counted in.
CREATE TABLE auth_counters (
    counter BLOB NOT NULL,
    window_secs INTEGER NOT NULL,
    bucket INTEGER NOT NULL,
    counted INTEGER NOT NULL,
    forgotten_at INTEGER NOT NULL,
    PRIMARY KEY (counter, window_secs, bucket)
) STRICT, WITHOUT ROWID;

CREATE INDEX auth_counters_forgotten_at ON auth_counters (forgotten_at);

CREATE TABLE auth_assignments (
    realm TEXT NOT NULL COLLATE BINARY,
    principal_kind TEXT NOT NULL,
    principal_id TEXT NOT NULL COLLATE BINARY,
    role TEXT NOT NULL COLLATE BINARY,
    PRIMARY KEY (realm, principal_kind, principal_id, role)
) STRICT, WITHOUT ROWID;

-- Goes up with each change of the assignments.
CREATE TABLE auth_assignments_version (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    version INTEGER NOT NULL
) STRICT;

INSERT INTO auth_assignments_version (id, version) VALUES (1, 0);

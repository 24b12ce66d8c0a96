-- Names compare byte by byte and sort so ("C"), whatever the collation of the database.
-- Times are seconds since 1970-01-01T00:00:00Z; 9223372036854775807 is "never".

CREATE TABLE auth_accounts (
    realm TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    login TEXT COLLATE "C" NOT NULL,
    status TEXT COLLATE "C" NOT NULL,
    epoch BIGINT NOT NULL,
    version BIGINT NOT NULL,
    sweep_pending BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (realm, kind, id),
    UNIQUE (realm, login)
);

CREATE INDEX auth_accounts_sweeps ON auth_accounts (realm, kind, id) WHERE sweep_pending;

CREATE TABLE auth_credentials (
    realm TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    lookup BYTEA NOT NULL,
    owner_kind TEXT COLLATE "C" NOT NULL,
    owner_id TEXT COLLATE "C" NOT NULL,
    data BYTEA NOT NULL,
    version BIGINT NOT NULL,
    failures BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT,
    expires_at BIGINT,
    PRIMARY KEY (realm, kind, lookup),
    FOREIGN KEY (realm, owner_kind, owner_id) REFERENCES auth_accounts (realm, kind, id) ON DELETE CASCADE
);

CREATE INDEX auth_credentials_owner ON auth_credentials (realm, owner_kind, owner_id, created_at, kind, lookup);

-- `secret` and `previous_secret` are SHA-256 hashes; `authentication` is JSON, except for the epoch, which is
-- the column's; `terms` is JSON, or NULL where that is nothing but the policy. Nobody is logged in where the
-- principal is NULL.
CREATE TABLE auth_sessions (
    id BYTEA NOT NULL PRIMARY KEY,
    kind TEXT COLLATE "C" NOT NULL,
    realm TEXT COLLATE "C",
    principal_kind TEXT COLLATE "C",
    principal_id TEXT COLLATE "C",
    epoch BIGINT NOT NULL,
    authentication TEXT,
    terms TEXT,
    secret BYTEA NOT NULL,
    previous_secret BYTEA,
    rotated_at BIGINT NOT NULL,
    seen BOOLEAN NOT NULL,
    generation BIGINT NOT NULL,
    reissued BIGINT NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    idle_until BIGINT NOT NULL,
    absolute_until BIGINT NOT NULL,
    ends_at BIGINT NOT NULL GENERATED ALWAYS AS (LEAST(idle_until, absolute_until)) STORED,
    data BYTEA NOT NULL
);

CREATE INDEX auth_sessions_principal
    ON auth_sessions (realm, principal_kind, principal_id, created_at DESC, id) WHERE realm IS NOT NULL;
CREATE INDEX auth_sessions_ends_at ON auth_sessions (ends_at);

-- Sessions of older epochs are refused.
CREATE TABLE auth_session_epochs (
    realm TEXT COLLATE "C" NOT NULL,
    principal_kind TEXT COLLATE "C" NOT NULL,
    principal_id TEXT COLLATE "C" NOT NULL,
    epoch BIGINT NOT NULL,
    kept_until BIGINT NOT NULL,
    PRIMARY KEY (realm, principal_kind, principal_id)
);

CREATE INDEX auth_session_epochs_kept_until ON auth_session_epochs (kept_until);

-- `hash` is the SHA-256 of the token. A row without a subject is a claim.
CREATE TABLE auth_tokens (
    realm TEXT COLLATE "C" NOT NULL,
    purpose TEXT COLLATE "C" NOT NULL,
    hash BYTEA NOT NULL,
    subject TEXT COLLATE "C",
    payload BYTEA,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (realm, purpose, hash)
);

CREATE INDEX auth_tokens_subject ON auth_tokens (realm, purpose, subject) WHERE subject IS NOT NULL;
CREATE INDEX auth_tokens_expires_at ON auth_tokens (expires_at);

-- One row for each bucket of a window of `window_secs` seconds that something was counted in.
CREATE TABLE auth_counters (
    counter BYTEA NOT NULL,
    window_secs BIGINT NOT NULL,
    bucket BIGINT NOT NULL,
    counted BIGINT NOT NULL,
    forgotten_at BIGINT NOT NULL,
    PRIMARY KEY (counter, window_secs, bucket)
);

CREATE INDEX auth_counters_forgotten_at ON auth_counters (forgotten_at);

CREATE TABLE auth_assignments (
    realm TEXT COLLATE "C" NOT NULL,
    principal_kind TEXT COLLATE "C" NOT NULL,
    principal_id TEXT COLLATE "C" NOT NULL,
    role TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (realm, principal_kind, principal_id, role)
);

-- Goes up with each change of the assignments.
CREATE TABLE auth_assignments_version (
    id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    version BIGINT NOT NULL
);

INSERT INTO auth_assignments_version (id, version) VALUES (1, 0)

-- Names are bytes, so that no collation takes one for another, with or without spaces at its end.
-- Times are seconds since 1970-01-01T00:00:00Z; 9223372036854775807 is "never".
-- Every statement may be run again: none of them can be undone together with the others.

CREATE TABLE IF NOT EXISTS auth_accounts (
    realm VARBINARY(512) NOT NULL,
    kind VARBINARY(16) NOT NULL,
    id VARBINARY(255) NOT NULL,
    login VARBINARY(255) NOT NULL,
    status VARBINARY(16) NOT NULL,
    epoch BIGINT NOT NULL,
    version BIGINT NOT NULL,
    sweep_pending BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (realm, kind, id),
    UNIQUE KEY auth_accounts_login (realm, login),
    KEY auth_accounts_sweeps (sweep_pending, realm, kind, id)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS auth_credentials (
    realm VARBINARY(512) NOT NULL,
    kind VARBINARY(32) NOT NULL,
    lookup VARBINARY(1023) NOT NULL,
    owner_kind VARBINARY(16) NOT NULL,
    owner_id VARBINARY(255) NOT NULL,
    data BLOB NOT NULL,
    version BIGINT NOT NULL,
    failures BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT,
    expires_at BIGINT,
    PRIMARY KEY (realm, kind, lookup),
    KEY auth_credentials_owner (realm, owner_kind, owner_id, created_at, kind, lookup),
    CONSTRAINT auth_credentials_of FOREIGN KEY (realm, owner_kind, owner_id)
        REFERENCES auth_accounts (realm, kind, id) ON DELETE CASCADE
) ENGINE = InnoDB;

-- `secret` and `previous_secret` are SHA-256 hashes; `authentication` is JSON, except for the epoch, which is
-- the column's; `terms` is JSON, or NULL where that is nothing but the policy. Nobody is logged in where the
-- principal is NULL.
CREATE TABLE IF NOT EXISTS auth_sessions (
    id VARBINARY(24) NOT NULL PRIMARY KEY,
    kind VARBINARY(16) NOT NULL,
    realm VARBINARY(512),
    principal_kind VARBINARY(16),
    principal_id VARBINARY(255),
    epoch BIGINT NOT NULL,
    authentication MEDIUMBLOB,
    terms MEDIUMBLOB,
    secret VARBINARY(32) NOT NULL,
    previous_secret VARBINARY(32),
    rotated_at BIGINT NOT NULL,
    seen BOOLEAN NOT NULL,
    generation BIGINT NOT NULL,
    reissued BIGINT NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    idle_until BIGINT NOT NULL,
    absolute_until BIGINT NOT NULL,
    ends_at BIGINT GENERATED ALWAYS AS (LEAST(idle_until, absolute_until)) STORED,
    data MEDIUMBLOB NOT NULL,
    KEY auth_sessions_principal (realm, principal_kind, principal_id, created_at DESC, id),
    KEY auth_sessions_ends_at (ends_at)
) ENGINE = InnoDB;

-- Sessions of older epochs are refused. A row of epoch 0 refuses none: logins of a principal that come at once wait
-- for each other at it.
CREATE TABLE IF NOT EXISTS auth_session_epochs (
    realm VARBINARY(512) NOT NULL,
    principal_kind VARBINARY(16) NOT NULL,
    principal_id VARBINARY(255) NOT NULL,
    epoch BIGINT NOT NULL,
    kept_until BIGINT NOT NULL,
    PRIMARY KEY (realm, principal_kind, principal_id),
    KEY auth_session_epochs_kept_until (kept_until)
) ENGINE = InnoDB;

-- `hash` is the SHA-256 of the token. A row without a subject is a claim.
CREATE TABLE IF NOT EXISTS auth_tokens (
    realm VARBINARY(512) NOT NULL,
    purpose VARBINARY(128) NOT NULL,
    hash VARBINARY(32) NOT NULL,
    subject VARBINARY(512),
    payload BLOB,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (realm, purpose, hash),
    KEY auth_tokens_subject (realm, purpose, subject),
    KEY auth_tokens_expires_at (expires_at)
) ENGINE = InnoDB;

-- One row for each bucket of a window of `window_secs` seconds that something was counted in.
CREATE TABLE IF NOT EXISTS auth_counters (
    counter VARBINARY(32) NOT NULL,
    window_secs BIGINT NOT NULL,
    bucket BIGINT NOT NULL,
    counted BIGINT NOT NULL,
    forgotten_at BIGINT NOT NULL,
    PRIMARY KEY (counter, window_secs, bucket),
    KEY auth_counters_forgotten_at (forgotten_at)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS auth_assignments (
    realm VARBINARY(512) NOT NULL,
    principal_kind VARBINARY(16) NOT NULL,
    principal_id VARBINARY(255) NOT NULL,
    role VARBINARY(128) NOT NULL,
    PRIMARY KEY (realm, principal_kind, principal_id, role)
) ENGINE = InnoDB;

-- Goes up with each change of the assignments.
CREATE TABLE IF NOT EXISTS auth_assignments_version (
    id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    version BIGINT NOT NULL
) ENGINE = InnoDB;

INSERT INTO auth_assignments_version (id, version) VALUES (1, 0) ON DUPLICATE KEY UPDATE id = id

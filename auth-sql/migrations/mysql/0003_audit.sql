-- One row for each event, in the order of `entry`. `content` is JSON; what is looked for by is in columns of its own.
-- `previous` and `hash` chain the rows under a key that the database does not have; NULL where they are not chained.
CREATE TABLE IF NOT EXISTS auth_audit (
    entry BIGINT NOT NULL PRIMARY KEY,
    happened_at BIGINT NOT NULL,
    name VARBINARY(64) NOT NULL,
    realm VARBINARY(512),
    principal_kind VARBINARY(16),
    principal_id VARBINARY(255),
    content MEDIUMBLOB NOT NULL,
    previous VARBINARY(32),
    hash VARBINARY(32),
    KEY auth_audit_principal (realm, principal_kind, principal_id, happened_at, entry),
    KEY auth_audit_happened_at (happened_at, entry)
) ENGINE = InnoDB;

-- The last row that was added. Additions wait for each other at it.
CREATE TABLE IF NOT EXISTS auth_audit_head (
    id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    entry BIGINT NOT NULL,
    hash VARBINARY(32)
) ENGINE = InnoDB;

INSERT INTO auth_audit_head (id, entry) VALUES (1, 0) ON DUPLICATE KEY UPDATE id = id

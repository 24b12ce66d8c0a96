-- One row for each event, in the order of `entry`. `content` is JSON; what is looked for by is in columns of its own.
-- `previous` and `hash` chain the rows under a key that the database does not have; NULL where they are not chained.
CREATE TABLE auth_audit (
    entry BIGINT NOT NULL PRIMARY KEY,
    happened_at BIGINT NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    realm TEXT COLLATE "C",
    principal_kind TEXT COLLATE "C",
    principal_id TEXT COLLATE "C",
    content TEXT COLLATE "C" NOT NULL,
    previous BYTEA,
    hash BYTEA
);

CREATE INDEX auth_audit_principal
    ON auth_audit (realm, principal_kind, principal_id, happened_at, entry) WHERE realm IS NOT NULL;
CREATE INDEX auth_audit_happened_at ON auth_audit (happened_at, entry);

-- The last row that was added. Additions wait for each other at it.
CREATE TABLE auth_audit_head (
    id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    entry BIGINT NOT NULL,
    hash BYTEA
);

INSERT INTO auth_audit_head (id, entry) VALUES (1, 0)

-- One row for each event, in the order of `entry`. `content` is JSON; what is looked for by is in columns of its own.
-- `previous` and `hash` chain the rows under a key that the database does not have; NULL where they are not chained.
CREATE TABLE auth_audit (
    entry INTEGER NOT NULL PRIMARY KEY,
    happened_at INTEGER NOT NULL,
    name TEXT NOT NULL,
    realm TEXT COLLATE BINARY,
    principal_kind TEXT,
    principal_id TEXT COLLATE BINARY,
    content TEXT NOT NULL,
    previous BLOB,
    hash BLOB
) STRICT;

CREATE INDEX auth_audit_principal
    ON auth_audit (realm, principal_kind, principal_id, happened_at, entry) WHERE realm IS NOT NULL;
CREATE INDEX auth_audit_happened_at ON auth_audit (happened_at, entry);

-- The last row that was added.
CREATE TABLE auth_audit_head (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    entry INTEGER NOT NULL,
    hash BLOB
) STRICT;

INSERT INTO auth_audit_head (id, entry) VALUES (1, 0);

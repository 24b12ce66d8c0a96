-- What is revoked of tokens (`auth_jwt`), one row for each issuer, kind ('token', 'session', 'subject') and name. `hash` is the
-- SHA-256 of those three, each with its length in bytes before it, as eight bytes, the largest first: a name may be too long
-- for an index. `date` is NULL where there is none, which is later than any.
CREATE TABLE auth_revocations (
    hash BLOB NOT NULL PRIMARY KEY,
    issuer TEXT NOT NULL COLLATE BINARY,
    kind TEXT NOT NULL,
    name BLOB NOT NULL,
    date INTEGER,
    ends_at INTEGER NOT NULL
) STRICT;

CREATE INDEX auth_revocations_ends_at ON auth_revocations (ends_at);

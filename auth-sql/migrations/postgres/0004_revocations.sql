-- What is revoked of tokens (`auth_jwt`), one row for each issuer, kind ('token', 'session', 'subject') and name. `hash` is the
-- SHA-256 of those three, each with its length in bytes before it, as eight bytes, the largest first: a name may be too long
-- for an index. `date` is NULL where there is none, which is later than any.
CREATE TABLE auth_revocations (
    hash BYTEA NOT NULL PRIMARY KEY,
    issuer TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    name BYTEA NOT NULL,
    date BIGINT,
    ends_at BIGINT NOT NULL
);

CREATE INDEX auth_revocations_ends_at ON auth_revocations (ends_at)

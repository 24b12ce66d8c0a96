-- What is revoked of tokens (`auth_jwt`), one row for each issuer, kind ('token', 'session', 'subject') and name. `hash` is the
-- SHA-256 of those three, each with its length in bytes before it, as eight bytes, the largest first: a name may be too long
-- for an index. `date` is NULL where there is none, which is later than any.
CREATE TABLE IF NOT EXISTS auth_revocations (
    hash VARBINARY(32) NOT NULL PRIMARY KEY,
    issuer VARBINARY(400) NOT NULL,
    kind VARBINARY(16) NOT NULL,
    name MEDIUMBLOB NOT NULL,
    date BIGINT,
    ends_at BIGINT NOT NULL,
    KEY auth_revocations_ends_at (ends_at)
) ENGINE = InnoDB

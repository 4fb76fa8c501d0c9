-- Whom the SIP door does not hear, for the next start: bans that a person made or that offences brought.
CREATE TABLE bans (
    network  TEXT   NOT NULL PRIMARY KEY,
    -- `by_hand`, or the offence.
    cause    TEXT   NOT NULL,
    -- Unix milliseconds; NULL: for good.
    until_ms BIGINT,
    times    BIGINT NOT NULL
);

-- Only types that SQLite and PostgreSQL read alike: TEXT identifiers and JSON, BIGINT milliseconds, counts and flags.

CREATE TABLE calls (
    id               TEXT   NOT NULL PRIMARY KEY,
    arrived_ms       BIGINT NOT NULL,
    answered_ms      BIGINT,
    ended_ms         BIGINT,
    duration_ms      BIGINT,
    door             TEXT   NOT NULL,
    door_name        TEXT   NOT NULL,
    caller           TEXT,
    caller_name      TEXT,
    dialled          TEXT   NOT NULL,
    foreign_id       TEXT   NOT NULL,
    remote           TEXT   NOT NULL,
    -- The catalogue's code; NULL while the call runs.
    ending           TEXT,
    ended_by         TEXT,
    blame            TEXT,
    sip_status       BIGINT,
    retry            TEXT,
    barge_ins        BIGINT NOT NULL DEFAULT 0,
    transfer_reason  TEXT,
    transfer_summary TEXT,
    transfer_step    TEXT,
    -- JSON: the state may carry a SIP status.
    transfer_state   TEXT,
    recording        TEXT,
    quality          TEXT
);
CREATE INDEX calls_by_arrival ON calls (arrived_ms, id);
CREATE INDEX calls_by_ending ON calls (ending, arrived_ms);

-- Everything that happened, in order. Of the partial texts of one turn only the latest is here, and none once the turn
-- has its final text.
CREATE TABLE timeline (
    call_id TEXT   NOT NULL REFERENCES calls (id) ON DELETE CASCADE,
    seq     BIGINT NOT NULL,
    at_ms   BIGINT NOT NULL,
    kind    TEXT   NOT NULL,
    turn    BIGINT,
    body    TEXT   NOT NULL,
    PRIMARY KEY (call_id, seq)
);

CREATE TABLE turns (
    call_id        TEXT   NOT NULL REFERENCES calls (id) ON DELETE CASCADE,
    turn           BIGINT NOT NULL,
    -- `caller` or `agent`.
    side           TEXT   NOT NULL,
    -- `open`, `partial`, `final`, `unclear` or `dismissed`.
    state          TEXT   NOT NULL,
    started_ms     BIGINT NOT NULL,
    ended_ms       BIGINT,
    text           TEXT   NOT NULL DEFAULT '',
    -- What the caller heard of an agent's turn.
    heard          TEXT,
    cut            BIGINT NOT NULL DEFAULT 0,
    via            TEXT,
    confidence     DOUBLE PRECISION,
    final_text_ms  BIGINT,
    first_token_ms BIGINT,
    first_audio_ms BIGINT,
    first_out_ms   BIGINT,
    total_ms       BIGINT,
    PRIMARY KEY (call_id, turn, side)
);

CREATE TABLE tool_calls (
    call_id TEXT   NOT NULL REFERENCES calls (id) ON DELETE CASCADE,
    turn    BIGINT NOT NULL,
    tool_id TEXT   NOT NULL,
    at_ms   BIGINT NOT NULL,
    request TEXT   NOT NULL,
    outcome TEXT,
    took_ms BIGINT,
    PRIMARY KEY (call_id, turn, tool_id)
);

CREATE TABLE callbacks (
    call_id      TEXT   NOT NULL REFERENCES calls (id) ON DELETE CASCADE,
    seq          BIGINT NOT NULL,
    requested_ms BIGINT NOT NULL,
    phone        TEXT,
    note         TEXT   NOT NULL,
    PRIMARY KEY (call_id, seq)
);
CREATE INDEX callbacks_by_time ON callbacks (requested_ms);

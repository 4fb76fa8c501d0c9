-- SIP messages as they were on the wire, under the number of their leg; the timeline says which legs a call had.
CREATE TABLE sip_messages (
    leg       TEXT   NOT NULL,
    -- Unix microseconds.
    at_us     BIGINT NOT NULL,
    sent      BIGINT NOT NULL,
    transport TEXT   NOT NULL,
    local     TEXT   NOT NULL,
    remote    TEXT   NOT NULL,
    message   BLOB   NOT NULL
);
CREATE INDEX sip_messages_by_leg ON sip_messages (leg, at_us);

-- Headers of RTP packets, about a second of one leg in each row; store/signalling.rs packs them.
CREATE TABLE rtp_headers (
    leg     TEXT   NOT NULL,
    at_us   BIGINT NOT NULL,
    local   TEXT   NOT NULL,
    packets BLOB   NOT NULL
);
CREATE INDEX rtp_headers_by_leg ON rtp_headers (leg, at_us);

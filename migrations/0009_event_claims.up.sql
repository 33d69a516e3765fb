-- Events that bring tokens are kept here until the OAuth server was asked about them: the platform sends an event once and
-- wants a quick answer. Rows live for minutes. What an event says is sealed as a whole, and nothing of it is proven, so
-- member_id refers to no portal.
CREATE TABLE event_claims (
    member_id   text        NOT NULL,
    id          bigint      GENERATED ALWAYS AS IDENTITY,
    address     text        NOT NULL, -- of whoever sent it, in whose share of questions it is looked into
    sealed      bytea       NOT NULL,
    key_id      bigint      NOT NULL,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (member_id, id)
);

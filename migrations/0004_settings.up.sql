-- What an administrator chose for a portal, and who changed it when, from what to what. Both go with the portal's row.
CREATE TABLE portal_settings (
    member_id  text        PRIMARY KEY REFERENCES portals ON DELETE CASCADE,
    version    bigint      NOT NULL,
    settings   jsonb       NOT NULL,
    updated_at timestamptz NOT NULL
);

CREATE TABLE settings_changes (
    member_id text        NOT NULL REFERENCES portals ON DELETE CASCADE,
    version   bigint      NOT NULL,
    at        timestamptz NOT NULL,
    user_id   bigint      NOT NULL,
    user_name text        NOT NULL,
    action    text        NOT NULL,
    before    jsonb       NOT NULL,
    after     jsonb       NOT NULL,
    PRIMARY KEY (member_id, version)
);

-- What came of the last binding of placements and events. Columns with a constant default take no lock that matters.
ALTER TABLE portals
    ADD COLUMN bound_at      timestamptz,
    ADD COLUMN bound_outcome text NOT NULL DEFAULT '',
    ADD COLUMN bound_skipped text[] NOT NULL DEFAULT '{}'; -- placements that the portal does not have

-- What came of the last renewal of the installer's token by the keep-alive. Columns with a constant default take no lock
-- that matters.
ALTER TABLE portals
    ADD COLUMN keep_alive_at      timestamptz,
    ADD COLUMN keep_alive_outcome text NOT NULL DEFAULT '';

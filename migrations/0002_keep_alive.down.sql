ALTER TABLE portals
    DROP COLUMN keep_alive_at,
    DROP COLUMN keep_alive_outcome;

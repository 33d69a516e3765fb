ALTER TABLE portals
    DROP COLUMN bound_at,
    DROP COLUMN bound_outcome,
    DROP COLUMN bound_skipped;

DROP TABLE settings_changes;
DROP TABLE portal_settings;

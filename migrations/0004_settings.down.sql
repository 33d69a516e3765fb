ALTER TABLE portals
    DROP COLUMN bound_at,
    DROP COLUMN bound_outcome;

DROP TABLE settings_changes;
DROP TABLE portal_settings;

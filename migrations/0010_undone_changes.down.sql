ALTER TABLE settings_changes
    DROP COLUMN undid;

ALTER TABLE portals
    DROP COLUMN schema_version;

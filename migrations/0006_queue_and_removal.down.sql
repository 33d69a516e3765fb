DROP TABLE erasure_key;
DROP TABLE erased_portals;

ALTER TABLE portals
    ALTER COLUMN schema_version SET DEFAULT 0;
DROP SEQUENCE portal_schema_versions;

ALTER TABLE portals
    DROP COLUMN bind_wanted,
    DROP COLUMN bind_begun,
    DROP COLUMN bind_done,
    DROP COLUMN bind_busy,
    DROP COLUMN bind_busy_at,
    DROP COLUMN removal_asked_at,
    DROP COLUMN missing_since;

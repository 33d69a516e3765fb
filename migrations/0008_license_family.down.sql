ALTER TABLE portals
    DROP COLUMN license_family;

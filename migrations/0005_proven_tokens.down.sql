DELETE FROM tokens WHERE refresh_token IS NULL;
ALTER TABLE tokens
    DROP COLUMN proven,
    DROP COLUMN claimed_token,
    DROP COLUMN claimed_hash,
    DROP COLUMN dead_at,
    ALTER COLUMN refresh_token SET NOT NULL,
    ALTER COLUMN refresh_hash SET NOT NULL;
ALTER TABLE portals
    DROP COLUMN installer_fit;
DROP TABLE refresh_hashes;

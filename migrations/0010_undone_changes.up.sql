-- Which change of settings an undo took back, so that the next undo goes on with the one before it. Until now an undo took
-- back whatever stood before it. A column without a default takes no lock that matters, and a portal has few changes.
ALTER TABLE settings_changes
    ADD COLUMN undid bigint;

UPDATE settings_changes
SET undid = version - 1
WHERE action = 'undo';

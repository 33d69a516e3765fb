DROP TABLE tokens;
DROP TABLE portals;

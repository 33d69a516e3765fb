-- Which versions of the app work with this schema: those that know migration `oldest`, and newer ones. So replicas of one
-- release go on while those of the next one are started. A later migration either raises it, where the release before
-- cannot work with what it changes, or says in a comment "-- schema_support stays:" and why (docs/operate.md, Upgrades).
CREATE TABLE schema_support (
    one    boolean PRIMARY KEY DEFAULT true CHECK (one), -- there is one row
    oldest bigint NOT NULL
);

INSERT INTO schema_support (oldest) VALUES (12);

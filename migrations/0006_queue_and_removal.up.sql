-- What is to be bound in a portal, counted: each wish raises bind_wanted above bind_begun, at most by one; work that begins
-- takes the wish along into bind_begun, and into bind_done once it is through. So many wishes cost one job, a wish that
-- comes while a job runs is seen, and one whose job was lost is found again. bind_busy is how many seconds bindings took
-- lately, fading. Columns with a constant default take no lock that matters.
ALTER TABLE portals
    ADD COLUMN bind_wanted      bigint           NOT NULL DEFAULT 0,
    ADD COLUMN bind_begun       bigint           NOT NULL DEFAULT 0,
    ADD COLUMN bind_done        bigint           NOT NULL DEFAULT 0,
    ADD COLUMN bind_busy        double precision NOT NULL DEFAULT 0,
    ADD COLUMN bind_busy_at     timestamptz,
    ADD COLUMN removal_asked_at timestamptz,  -- when an uninstall event without proof last made us ask whether it is true
    ADD COLUMN missing_since    timestamptz;  -- since when the platform says that the app is not installed there

-- Numbers of schema versions are never used twice, not even by a portal that was erased and comes back: what a process
-- keeps of a schema is kept under this number.
CREATE SEQUENCE portal_schema_versions;
SELECT setval('portal_schema_versions', (SELECT coalesce(max(schema_version), 0) + 1 FROM portals));
ALTER TABLE portals
    ALTER COLUMN schema_version SET DEFAULT nextval('portal_schema_versions');

-- Portals that were erased on request while the app stays installed there: plain users must not bring them back. Only a
-- hash under a sealed key is kept, which tells nobody whose it is.
CREATE TABLE erased_portals (
    member_hash bytea       PRIMARY KEY,
    erased_at   timestamptz NOT NULL
);

CREATE TABLE erasure_key (
    one    boolean PRIMARY KEY DEFAULT true CHECK (one), -- there is one row
    sealed bytea   NOT NULL,
    key_id bigint  NOT NULL
);

-- Counts the changes of fields, dictionaries and types that a portal told by events. What a process keeps of a portal's
-- schema is kept under this number, and every page reads the row anyway: so an event that reaches one process counts in
-- all of them. A column with a constant default takes no lock that matters.
ALTER TABLE portals
    ADD COLUMN schema_version bigint NOT NULL DEFAULT 0;

-- What plan a portal has decides how many requests it allows, so it is kept per portal. Empty: not known, which means the
-- smaller numbers. A column with a constant default takes no lock that matters.
ALTER TABLE portals
    ADD COLUMN license_family text NOT NULL DEFAULT '';

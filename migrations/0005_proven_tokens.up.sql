-- A posted pair is a claim: it waits beside the pair that is proven, or that came first, until an exchange has shown
-- whose it is. Every refresh token that was seen of a portal belongs to one user, for as long as its page may come
-- again. No table is rewritten; writers of tokens wait while the hashes are copied, a second or so for 100,000 users. The
-- column previous_refresh_hash stays for replicas of the version before, and has no reader any more.
CREATE TABLE refresh_hashes (
    member_id    text        NOT NULL,
    refresh_hash bytea       NOT NULL,              -- SHA-256 of a refresh token
    user_id      bigint      NOT NULL,
    seen_at      timestamptz NOT NULL,
    exchanged_at timestamptz,                       -- when it was exchanged for another one
    dead_reason  text        NOT NULL DEFAULT '',   -- why the OAuth server refused it
    PRIMARY KEY (member_id, refresh_hash),          -- one owner, however many rows claim it
    FOREIGN KEY (member_id, user_id) REFERENCES tokens ON DELETE CASCADE
);

CREATE INDEX refresh_hashes_user ON refresh_hashes (member_id, user_id);
CREATE INDEX refresh_hashes_elsewhere ON refresh_hashes (refresh_hash); -- is it another portal's?

-- What was exchanged first, then what came of an exchange, then what was merely posted.
INSERT INTO refresh_hashes (member_id, refresh_hash, user_id, seen_at, exchanged_at)
SELECT member_id, previous_refresh_hash, user_id, stored_at, stored_at
FROM tokens
WHERE previous_refresh_hash IS NOT NULL
ON CONFLICT DO NOTHING;

INSERT INTO refresh_hashes (member_id, refresh_hash, user_id, seen_at)
SELECT member_id, refresh_hash, user_id, stored_at
FROM tokens
ORDER BY previous_refresh_hash IS NULL, stored_at
ON CONFLICT DO NOTHING;

ALTER TABLE portals
    ADD COLUMN installer_fit boolean NOT NULL DEFAULT true; -- false: the installer is found to be no administrator

ALTER TABLE tokens
    ALTER COLUMN refresh_token DROP NOT NULL,
    ALTER COLUMN refresh_hash DROP NOT NULL,
    ADD COLUMN proven        boolean NOT NULL DEFAULT false, -- refresh_token came of an exchange, so it is this user's
    ADD COLUMN claimed_token bytea,                          -- sealed; a newer refresh token that a page posted
    ADD COLUMN claimed_hash  bytea,
    ADD COLUMN dead_at       timestamptz;

-- Two rows with one refresh token: the one that does not own it waits for its user's next open.
UPDATE tokens AS t
SET refresh_token = NULL, refresh_hash = NULL, dead_reason = 'foreign', dead_at = now()
FROM refresh_hashes AS h
WHERE h.member_id = t.member_id AND h.refresh_hash = t.refresh_hash
  AND (h.user_id <> t.user_id OR h.exchanged_at IS NOT NULL);

UPDATE tokens
SET proven = true
WHERE previous_refresh_hash IS NOT NULL AND refresh_token IS NOT NULL;

-- Who installed the app, and the OAuth tokens to act for their users. Every key starts with the portal, so that the
-- tables can be spread over servers by portal later.
CREATE TABLE portals (
    member_id         text PRIMARY KEY,      -- the platform's name for the portal; its address may change
    client_endpoint   text        NOT NULL,  -- REST address, as the OAuth server told it
    domain            text        NOT NULL,  -- host of its pages, as the OAuth server told it
    server_endpoint   text        NOT NULL,  -- REST address of that OAuth server
    application_token bytea,                 -- sealed; proves events; null while unknown or uninstalled
    key_id            bigint      NOT NULL,  -- key that sealed this row, for rotation
    scope             text[]      NOT NULL,
    status            text        NOT NULL,
    installer_id      bigint      NOT NULL,  -- whose token stands for the portal in background work
    installed_at      timestamptz NOT NULL,
    uninstalled_at    timestamptz,           -- null while installed
    updated_at        timestamptz NOT NULL
);

CREATE TABLE tokens (
    member_id             text        NOT NULL REFERENCES portals ON DELETE CASCADE,
    user_id               bigint      NOT NULL,
    access_token          bytea       NOT NULL,            -- sealed
    refresh_token         bytea       NOT NULL,            -- sealed
    key_id                bigint      NOT NULL,
    refresh_hash          bytea       NOT NULL,            -- SHA-256 of the refresh token: whose a posted one is
    previous_refresh_hash bytea,                           -- of the one it was exchanged for: a reloaded page posts that again
    expires_at            timestamptz NOT NULL,            -- of the access token
    generation            bigint      NOT NULL DEFAULT 1,  -- grows with every pair stored
    dead_reason           text        NOT NULL DEFAULT '', -- why the refresh token no longer works
    stored_at             timestamptz NOT NULL,
    PRIMARY KEY (member_id, user_id)
);

CREATE INDEX tokens_refresh_hash ON tokens (member_id, refresh_hash);
CREATE INDEX tokens_previous_refresh_hash ON tokens (member_id, previous_refresh_hash);

-- /oauth/start asks whether a host is a portal's that is known; everybody may ask, so it must not read the whole table.
CREATE INDEX portals_domain ON portals (domain) WHERE uninstalled_at IS NULL;
CREATE INDEX portals_endpoint_host ON portals (split_part(client_endpoint, '/', 3)) WHERE uninstalled_at IS NULL;

DROP INDEX portals_domain;
DROP INDEX portals_endpoint_host;

-- What the app asked of portals and what they answered, a partition a day (of UTC), made and dropped by the app. Lines are
-- written in bulk by COPY and are never changed, so there is no key but the one that finds a portal's lines. body is both
-- bodies without secrets, compressed and sealed; bytes that were left out are counted.
CREATE SEQUENCE rest_log_ids;

CREATE TABLE rest_log (
    member_id   text        NOT NULL,
    at          timestamptz NOT NULL,
    id          bigint      NOT NULL DEFAULT nextval('rest_log_ids'),
    user_id     bigint      NOT NULL,
    duration    interval    NOT NULL,
    method      text        NOT NULL,
    commands    text[]      NOT NULL,
    status      smallint    NOT NULL,
    code        text        NOT NULL,
    request_id  text        NOT NULL,
    request_cut integer     NOT NULL,
    answer_cut  integer     NOT NULL,
    body        bytea
) PARTITION BY RANGE (at);

CREATE INDEX rest_log_by_portal ON rest_log (member_id, at);
CREATE INDEX rest_log_by_id ON rest_log (id);

DROP TABLE rest_log;
DROP SEQUENCE rest_log_ids;

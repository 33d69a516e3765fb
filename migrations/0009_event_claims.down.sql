DROP TABLE event_claims;

DROP INDEX governance_events_by_id;

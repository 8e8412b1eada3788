-- One event by its id.
CREATE UNIQUE INDEX governance_events_by_id ON governance_events (organization_id, id);

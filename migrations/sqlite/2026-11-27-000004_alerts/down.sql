DROP TABLE alert_preferences;
DROP TABLE alert_settings;
DROP TABLE tracked_alerts;
DROP INDEX governance_events_by_id;

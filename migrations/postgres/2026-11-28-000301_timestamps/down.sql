DROP TABLE audit_timestamps;

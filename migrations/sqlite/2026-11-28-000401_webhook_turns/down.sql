ALTER TABLE webhook_endpoints DROP COLUMN turn_until;
ALTER TABLE webhook_endpoints DROP COLUMN turn_of;

DROP TABLE webhook_target_states;
DROP TABLE webhook_attempts;
DROP TABLE webhook_deliveries;
DROP TABLE webhook_secrets;
DROP TABLE webhook_endpoints;
ALTER TABLE audit_heads DROP COLUMN subscriptions;

DELETE FROM audit_nodes WHERE level % 8 <> 0;
ALTER TABLE audit_nodes DROP CONSTRAINT audit_nodes_level_check;
ALTER TABLE audit_nodes ADD CONSTRAINT audit_nodes_level_check CHECK (level > 0 AND level % 8 = 0);
ALTER TABLE audit_heads DROP COLUMN indexed;
ALTER TABLE audit_heads DROP COLUMN sparse;

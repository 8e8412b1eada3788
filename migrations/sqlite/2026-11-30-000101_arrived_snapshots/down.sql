DROP VIEW metric_snapshots;
INSERT INTO filed_snapshots SELECT * FROM arrived_snapshots;
DROP TABLE arrived_snapshots;
ALTER TABLE filed_snapshots RENAME TO metric_snapshots;

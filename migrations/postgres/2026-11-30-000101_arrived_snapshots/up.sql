-- On SQLite, where new snapshots wait to be filed. PostgreSQL keeps rows in the order in which they arrive.
SELECT 1;

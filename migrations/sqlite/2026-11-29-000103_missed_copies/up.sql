-- On PostgreSQL, copies that earlier upgrades missed. SQLite has no owner that policies bind.
SELECT 1;

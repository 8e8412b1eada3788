-- Nothing to take back: the tables that change are SQLite's.
SELECT 1;

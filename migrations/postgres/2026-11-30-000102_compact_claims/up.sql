-- For SQLite: how claims of idempotency lie in its file. PostgreSQL keeps rows in order of arrival.
SELECT 1;

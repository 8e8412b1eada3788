-- Nothing to take back: what was copied belongs to the migrations that should have copied it.
SELECT 1;

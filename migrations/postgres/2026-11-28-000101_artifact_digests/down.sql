DROP INDEX artifacts_of_digest;

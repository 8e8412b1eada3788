-- What 256 entries of the record in a row say, as a Bloom filter: a search passes over the blocks that cannot hold what it
-- looks for. Made behind the writers; a block without a row is searched entry by entry.

CREATE TABLE audit_blocks (
    organization_id BLOB NOT NULL REFERENCES organizations (id),
    block INTEGER NOT NULL CHECK (block >= 0),
    words BLOB NOT NULL CHECK (length(words) = 1024),
    PRIMARY KEY (organization_id, block)
) STRICT, WITHOUT ROWID;

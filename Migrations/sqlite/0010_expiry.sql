-- What ends by itself: files at a time, and those that uploads and batches become so many milliseconds after they are made.
ALTER TABLE file ADD COLUMN expires_at INTEGER;
ALTER TABLE parted_upload ADD COLUMN file_lifetime INTEGER CHECK (file_lifetime > 0);
ALTER TABLE request_batch ADD COLUMN output_lifetime INTEGER CHECK (output_lifetime > 0);

CREATE INDEX file_expiring ON file (expires_at) WHERE expires_at IS NOT NULL;

-- Knowledge bases that go when nobody has used them for so many days.
CREATE TABLE knowledge_base_expiry (
    knowledge_base_id TEXT PRIMARY KEY NOT NULL REFERENCES knowledge_base (id) ON DELETE CASCADE,
    days              INTEGER NOT NULL CHECK (days > 0)
) STRICT, WITHOUT ROWID;

-- On whose account the lines of a batch are answered: the key that made it. Null for the server's own key. No reference: a
-- batch is told of as long as it is kept.
ALTER TABLE request_batch ADD COLUMN key_id TEXT;

CREATE INDEX request_batch_unfinished_of_key ON request_batch (key_id)
    WHERE status IN ('validating', 'in_progress', 'finalizing', 'cancelling');

-- The file that erased documents belong to stands for no content, not even for that of an empty file: nothing has this hash.
UPDATE file SET sha256 = '0000000000000000000000000000000000000000000000000000000000000000' WHERE tenant_id = '(erased)';

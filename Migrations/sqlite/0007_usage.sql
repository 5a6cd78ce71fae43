-- What each key used, by day and model. No reference to the key: what was used stays told when a key is gone. '' is the
-- server's own key, by which the command line speaks to it.
CREATE TABLE usage (
    tenant_id         TEXT NOT NULL,
    key_id            TEXT NOT NULL,
    -- Days since 1970-01-01, in UTC.
    day               INTEGER NOT NULL,
    model             TEXT NOT NULL,
    requests          INTEGER NOT NULL CHECK (requests >= 0),
    prompt_tokens     INTEGER NOT NULL CHECK (prompt_tokens >= 0),
    completion_tokens INTEGER NOT NULL CHECK (completion_tokens >= 0),
    PRIMARY KEY (tenant_id, key_id, day, model)
) STRICT, WITHOUT ROWID;

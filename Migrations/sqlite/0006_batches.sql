-- Answers of the Responses API that are kept for a month, batches of requests, and uploads that come in parts.

CREATE TABLE response (
    id          TEXT PRIMARY KEY NOT NULL,
    tenant_id   TEXT NOT NULL REFERENCES tenant (id),
    -- What it goes on from, which may be gone by now; hence no reference.
    previous_id TEXT,
    -- BLOBs of JSON, since a text may hold U+0000: the request's own items, and the response as the client got it.
    input       BLOB NOT NULL,
    object      BLOB NOT NULL,
    created_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX response_by_age ON response (created_at);

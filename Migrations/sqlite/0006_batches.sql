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

-- Many API requests in one file. The one worker of the process takes them up; none that has ended is written any more.
CREATE TABLE request_batch (
    id             TEXT PRIMARY KEY NOT NULL,
    tenant_id      TEXT NOT NULL REFERENCES tenant (id),
    endpoint       TEXT NOT NULL,
    -- A batch outlives its files; hence no references.
    input_file_id  TEXT NOT NULL,
    output_file_id TEXT,
    error_file_id  TEXT,
    metadata       TEXT NOT NULL,
    status         TEXT NOT NULL CHECK (status IN (
        'validating', 'in_progress', 'finalizing', 'completed', 'failed', 'expired', 'cancelling', 'cancelled')),
    lines_total     INTEGER NOT NULL DEFAULT 0 CHECK (lines_total >= 0),
    lines_completed INTEGER NOT NULL DEFAULT 0 CHECK (lines_completed >= 0),
    lines_failed    INTEGER NOT NULL DEFAULT 0 CHECK (lines_failed BETWEEN 0 AND lines_total - lines_completed),
    input_tokens    INTEGER NOT NULL DEFAULT 0,
    output_tokens   INTEGER NOT NULL DEFAULT 0,
    problems        TEXT NOT NULL DEFAULT '[]',
    -- Beginnings in a row that ended with the process before one more line was done.
    deaths         INTEGER NOT NULL DEFAULT 0 CHECK (deaths >= 0),
    created_at     INTEGER NOT NULL,
    expires_at     INTEGER NOT NULL,
    in_progress_at INTEGER,
    finalizing_at  INTEGER,
    completed_at   INTEGER,
    failed_at      INTEGER,
    expired_at     INTEGER,
    cancelling_at  INTEGER,
    cancelled_at   INTEGER
) STRICT;

CREATE INDEX request_batch_in_order ON request_batch (tenant_id, created_at, id);
CREATE INDEX request_batch_unfinished ON request_batch (created_at, id)
    WHERE status IN ('validating', 'in_progress', 'finalizing', 'cancelling');

-- Answers of a batch that has not ended. They become its files and go.
CREATE TABLE request_batch_result (
    batch_id   TEXT NOT NULL REFERENCES request_batch (id) ON DELETE CASCADE,
    line       INTEGER NOT NULL CHECK (line > 0),
    is_success INTEGER NOT NULL CHECK (is_success IN (0, 1)),
    reply      BLOB NOT NULL,
    PRIMARY KEY (batch_id, line)
) STRICT;

-- A file that comes in parts. Each part's bytes lie in parts/, under the part's id, until the upload ends.
CREATE TABLE parted_upload (
    id         TEXT PRIMARY KEY NOT NULL,
    tenant_id  TEXT NOT NULL REFERENCES tenant (id),
    filename   TEXT NOT NULL,
    purpose    TEXT NOT NULL,
    mime_type  TEXT NOT NULL,
    bytes      INTEGER NOT NULL CHECK (bytes > 0),
    status     TEXT NOT NULL CHECK (status IN ('pending', 'completed', 'cancelled', 'expired')),
    file_id    TEXT,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    CHECK ((status = 'completed') = (file_id IS NOT NULL))
) STRICT;

CREATE INDEX parted_upload_pending ON parted_upload (tenant_id, expires_at) WHERE status = 'pending';

CREATE TABLE upload_part (
    id         TEXT PRIMARY KEY NOT NULL,
    upload_id  TEXT NOT NULL REFERENCES parted_upload (id) ON DELETE CASCADE,
    bytes      INTEGER NOT NULL CHECK (bytes > 0),
    created_at INTEGER NOT NULL
) STRICT;

CREATE INDEX upload_part_of_upload ON upload_part (upload_id);

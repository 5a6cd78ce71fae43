-- Jobs that tell how far they are, outlive their workers, and go together in batches; documents under their owner's names.

ALTER TABLE job ADD COLUMN stage TEXT NOT NULL DEFAULT 'queued'
    CHECK (stage IN ('queued', 'reading', 'chunking', 'embedding', 'storing'));
ALTER TABLE job ADD COLUMN pages INTEGER CHECK (pages > 0);
ALTER TABLE job ADD COLUMN chunks_total INTEGER NOT NULL DEFAULT 0 CHECK (chunks_total >= 0);
-- Chunks whose vectors are on disk, for good or in staged_vector; `chunks_reused` of them were there before the job.
ALTER TABLE job ADD COLUMN chunks_done INTEGER NOT NULL DEFAULT 0 CHECK (chunks_done BETWEEN 0 AND chunks_total);
ALTER TABLE job ADD COLUMN chunks_reused INTEGER NOT NULL DEFAULT 0 CHECK (chunks_reused BETWEEN 0 AND chunks_done);
-- Why a failed job failed, in the words of the closed list.
ALTER TABLE job ADD COLUMN reason TEXT;
-- A running job whose worker has not been heard of until then is somebody else's.
ALTER TABLE job ADD COLUMN lease_until INTEGER;
-- Runs in a row that ended with their worker.
ALTER TABLE job ADD COLUMN deaths INTEGER NOT NULL DEFAULT 0 CHECK (deaths >= 0);

-- Jobs that lost a worker wait behind those that did not, so that one of them cannot hold up the others.
DROP INDEX job_queued;
CREATE INDEX job_queued ON job (tenant_id, deaths, created_at, id, not_before) WHERE status = 'queued';
CREATE INDEX job_leased ON job (lease_until) WHERE status = 'running';
CREATE INDEX job_by_document ON job (document_id);
CREATE INDEX job_by_status ON job (tenant_id, status, created_at, id);

-- Vectors of a document that is not yet indexed as a whole, so that a run after a crash need not compute them again.
CREATE TABLE staged_vector (
    job_id TEXT NOT NULL REFERENCES job (id) ON DELETE CASCADE,
    digest BLOB NOT NULL,
    vector BLOB NOT NULL,
    crc32  INTEGER NOT NULL,
    PRIMARY KEY (job_id, digest)
) STRICT;

CREATE TRIGGER job_ends AFTER UPDATE OF status ON job WHEN NEW.status IN ('completed', 'failed', 'cancelled')
BEGIN
    DELETE FROM staged_vector WHERE job_id = NEW.id;
END;

-- SHA-256 over knowledge base, model and text, cut to 16 bytes: chunks of one digest have one vector. NULL in rows that
-- were written before there were digests.
ALTER TABLE chunk ADD COLUMN digest BLOB;
CREATE INDEX chunk_by_digest ON chunk (digest) WHERE digest IS NOT NULL;

-- Files that were attached in one call.
CREATE TABLE file_batch (
    id                TEXT PRIMARY KEY NOT NULL,
    tenant_id         TEXT NOT NULL,
    knowledge_base_id TEXT NOT NULL,
    is_cancelled      INTEGER NOT NULL DEFAULT 0 CHECK (is_cancelled IN (0, 1)),
    created_at        INTEGER NOT NULL,
    FOREIGN KEY (tenant_id, knowledge_base_id) REFERENCES knowledge_base (tenant_id, id) ON DELETE CASCADE
) STRICT;

CREATE INDEX file_batch_of_base ON file_batch (tenant_id, knowledge_base_id);

-- A member outlives its document, which then counts as cancelled; hence no reference.
CREATE TABLE file_batch_member (
    batch_id    TEXT NOT NULL REFERENCES file_batch (id) ON DELETE CASCADE,
    file_id     TEXT NOT NULL,
    document_id TEXT NOT NULL,
    PRIMARY KEY (batch_id, file_id)
) STRICT, WITHOUT ROWID;

-- Names that clients give to documents, such as paths: under one name at most one document that is found, and one that
-- takes its place once it is indexed.
CREATE TABLE external_name (
    knowledge_base_id TEXT NOT NULL REFERENCES knowledge_base (id) ON DELETE CASCADE,
    external_id       TEXT NOT NULL CHECK (external_id <> ''),
    state             TEXT NOT NULL CHECK (state IN ('current', 'next')),
    document_id       TEXT NOT NULL REFERENCES document (id) ON DELETE CASCADE,
    -- The file by which this name attached the document; it goes with the name.
    file_id           TEXT NOT NULL,
    PRIMARY KEY (knowledge_base_id, external_id, state)
) STRICT, WITHOUT ROWID;

CREATE INDEX external_name_of_document ON external_name (document_id);

CREATE INDEX file_batch_member_of_document ON file_batch_member (document_id);

-- Which webhooks want which events: what the configuration said at the last start.
CREATE TABLE webhook_event (
    url   TEXT NOT NULL,
    event TEXT NOT NULL,
    PRIMARY KEY (url, event)
) STRICT, WITHOUT ROWID;

-- What is to be told, written by the transaction that it tells of and gone once it was heard.
CREATE TABLE webhook_delivery (
    id                INTEGER PRIMARY KEY AUTOINCREMENT,
    url               TEXT NOT NULL,
    event             TEXT NOT NULL,
    tenant_id         TEXT NOT NULL,
    knowledge_base_id TEXT NOT NULL,
    document_id       TEXT,
    job_id            TEXT,
    batch_id          TEXT,
    reason            TEXT,
    message           TEXT,
    attempts          INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    -- NULL once it was given up.
    not_before        INTEGER,
    created_at        INTEGER NOT NULL
) STRICT;

CREATE INDEX webhook_delivery_due ON webhook_delivery (url, not_before) WHERE not_before IS NOT NULL;

CREATE TRIGGER job_end_is_told AFTER UPDATE OF status ON job
WHEN NEW.status IN ('completed', 'failed', 'cancelled') AND NEW.status <> OLD.status
BEGIN
    INSERT INTO webhook_delivery (
        url, event, tenant_id, knowledge_base_id, document_id, job_id, reason, message, not_before, created_at
    )
    SELECT url, event, NEW.tenant_id, NEW.knowledge_base_id, NEW.document_id, NEW.id, NEW.reason, NEW.message,
        NEW.updated_at, NEW.updated_at
    FROM webhook_event WHERE event IN ('job.' || NEW.status, 'document.' || NEW.status);
END;

CREATE TRIGGER batch_end_is_told AFTER UPDATE OF status ON document
WHEN OLD.status = 'in_progress' AND NEW.status <> 'in_progress'
BEGIN
    INSERT INTO webhook_delivery (url, event, tenant_id, knowledge_base_id, batch_id, not_before, created_at)
    SELECT url, event, file_batch.tenant_id, file_batch.knowledge_base_id, file_batch.id, 0, 0
    FROM webhook_event
    CROSS JOIN file_batch_member AS member ON member.document_id = NEW.id
    CROSS JOIN file_batch ON file_batch.id = member.batch_id
    WHERE event = 'batch.completed' AND NOT EXISTS (
        SELECT 1 FROM file_batch_member AS other JOIN document ON document.id = other.document_id
        WHERE other.batch_id = file_batch.id AND document.status = 'in_progress'
    )
    GROUP BY url, file_batch.id;
END;

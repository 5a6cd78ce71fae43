-- Times are milliseconds since 1970-01-01T00:00:00Z. Every thing has one owner: a child's tenant_id is part of the key
-- by which it names its parent, so that no row can join two tenants. JSON columns (metadata, chunking, attributes,
-- heading_path, settings) have no CHECK: SQLite 3.40 calls json_valid() unsafe in a schema that it does not trust.

CREATE TABLE tenant (
    id         TEXT PRIMARY KEY NOT NULL CHECK (id <> ''),
    -- The queue's round robin: rises with every claim, so that the smallest number has waited longest.
    last_claim INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE api_key (
    id         TEXT PRIMARY KEY NOT NULL,
    tenant_id  TEXT NOT NULL REFERENCES tenant (id),
    name       TEXT NOT NULL,
    role       TEXT NOT NULL CHECK (role IN ('user', 'admin')),
    -- SHA-256 of the secret, which itself is nowhere.
    digest     TEXT NOT NULL UNIQUE CHECK (length(digest) = 64 AND digest NOT GLOB '*[^0-9a-f]*'),
    hint       TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    revoked_at INTEGER
) STRICT, WITHOUT ROWID;

-- An upload. Its bytes lie in files/ab/abcd…, named by their SHA-256, once for all rows that share it.
CREATE TABLE file (
    id         TEXT PRIMARY KEY NOT NULL,
    tenant_id  TEXT NOT NULL REFERENCES tenant (id),
    name       TEXT NOT NULL,
    bytes      INTEGER NOT NULL CHECK (bytes >= 0),
    sha256     TEXT NOT NULL CHECK (length(sha256) = 64 AND sha256 NOT GLOB '*[^0-9a-f]*'),
    purpose    TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (tenant_id, id)
) STRICT;

CREATE INDEX file_in_order ON file (tenant_id, created_at, id);
CREATE INDEX file_by_content ON file (sha256);

-- Content that no row names any more and that is being unlinked; what a crash leaves is unlinked at the next start.
CREATE TABLE unlinking (
    sha256 TEXT PRIMARY KEY NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE knowledge_base (
    id                    TEXT PRIMARY KEY NOT NULL,
    tenant_id             TEXT NOT NULL REFERENCES tenant (id),
    name                  TEXT NOT NULL,
    summary               TEXT NOT NULL,
    metadata              TEXT NOT NULL,
    embedding_name        TEXT NOT NULL,
    embedding_dimension   INTEGER NOT NULL CHECK (embedding_dimension BETWEEN 1 AND 65536),
    embedding_max_tokens  INTEGER NOT NULL CHECK (embedding_max_tokens > 0),
    embedding_fingerprint TEXT NOT NULL,
    chunking              TEXT NOT NULL,
    created_at            INTEGER NOT NULL,
    last_active_at        INTEGER NOT NULL,
    -- Rises by one with every document completed or removed.
    revision              INTEGER NOT NULL DEFAULT 0 CHECK (revision >= 0),
    UNIQUE (tenant_id, id)
) STRICT;

CREATE INDEX knowledge_base_in_order ON knowledge_base (tenant_id, created_at, id);

-- A file inside a knowledge base: one for each content, whatever number of files hold it.
CREATE TABLE document (
    id                TEXT PRIMARY KEY NOT NULL,
    tenant_id         TEXT NOT NULL,
    knowledge_base_id TEXT NOT NULL,
    file_id           TEXT NOT NULL,
    sha256            TEXT NOT NULL,
    filename          TEXT NOT NULL,
    status            TEXT NOT NULL CHECK (status IN ('in_progress', 'completed', 'failed', 'cancelled')),
    failure_reason    TEXT,
    failure_message   TEXT,
    attributes        TEXT NOT NULL,
    chunking          TEXT NOT NULL,
    title             TEXT,
    chunk_count       INTEGER NOT NULL DEFAULT 0 CHECK (chunk_count >= 0),
    usage_bytes       INTEGER NOT NULL DEFAULT 0 CHECK (usage_bytes >= 0),
    -- The knowledge base's, as of the completion.
    revision          INTEGER,
    created_at        INTEGER NOT NULL,
    UNIQUE (knowledge_base_id, sha256),
    FOREIGN KEY (tenant_id, knowledge_base_id) REFERENCES knowledge_base (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, file_id) REFERENCES file (tenant_id, id),
    -- Completed is what has chunks and a revision, and nothing else has.
    CHECK ((status = 'completed') = (chunk_count > 0)),
    CHECK ((status = 'completed') = (revision IS NOT NULL)),
    CHECK ((status = 'failed') = (failure_reason IS NOT NULL)),
    CHECK ((status = 'failed') = (failure_message IS NOT NULL))
) STRICT;

CREATE INDEX document_in_order ON document (tenant_id, knowledge_base_id, created_at, id);
CREATE INDEX document_counted ON document (knowledge_base_id, status, usage_bytes);
CREATE INDEX document_by_file ON document (tenant_id, file_id);
CREATE INDEX document_by_revision ON document (knowledge_base_id, revision) WHERE revision IS NOT NULL;

-- The files by which a document was attached: all of the same content, and the document goes with the last of them.
CREATE TABLE attachment (
    document_id TEXT NOT NULL REFERENCES document (id) ON DELETE CASCADE,
    tenant_id   TEXT NOT NULL,
    file_id     TEXT NOT NULL,
    PRIMARY KEY (document_id, file_id),
    FOREIGN KEY (tenant_id, file_id) REFERENCES file (tenant_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX attachment_of_file ON attachment (tenant_id, file_id);

-- Apart from the row, which is read far more often than the text.
CREATE TABLE document_text (
    document_id TEXT PRIMARY KEY NOT NULL REFERENCES document (id) ON DELETE CASCADE,
    text        TEXT NOT NULL
) STRICT;

CREATE TABLE chunk (
    -- AUTOINCREMENT: an index may hold an id for a moment longer than the row, and must never find another chunk there.
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    document_id     TEXT NOT NULL REFERENCES document (id) ON DELETE CASCADE,
    position        INTEGER NOT NULL CHECK (position >= 0),
    byte_start      INTEGER NOT NULL CHECK (byte_start >= 0),
    byte_end        INTEGER NOT NULL CHECK (byte_end >= byte_start),
    character_start INTEGER NOT NULL CHECK (character_start >= 0),
    character_end   INTEGER NOT NULL CHECK (character_end >= character_start),
    text            TEXT NOT NULL,
    context         TEXT NOT NULL,
    heading_path    TEXT NOT NULL,
    page            INTEGER,
    locator         TEXT,
    token_count     INTEGER NOT NULL CHECK (token_count >= 0),
    UNIQUE (document_id, position)
) STRICT;

CREATE TABLE chunk_vector (
    chunk_id INTEGER PRIMARY KEY REFERENCES chunk (id) ON DELETE CASCADE,
    -- float32, little-endian, as many as the knowledge base's model has dimensions.
    vector   BLOB NOT NULL,
    -- CRC-32 (zlib's) of the blob: SQLite itself does not notice a flipped bit in content.
    crc32    INTEGER NOT NULL
) STRICT;

-- Documents that had vectors and are gone, for indexes that follow along. Emptied at start: no index outlives it.
CREATE TABLE removal (
    knowledge_base_id TEXT NOT NULL REFERENCES knowledge_base (id) ON DELETE CASCADE,
    revision          INTEGER NOT NULL,
    document_id       TEXT NOT NULL,
    PRIMARY KEY (knowledge_base_id, revision)
) STRICT, WITHOUT ROWID;

CREATE TABLE expert (
    id         TEXT PRIMARY KEY NOT NULL,
    tenant_id  TEXT NOT NULL REFERENCES tenant (id),
    title      TEXT NOT NULL,
    summary    TEXT NOT NULL,
    settings   TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE INDEX expert_in_order ON expert (tenant_id, created_at, id);

-- A job outlives its document, so that people can see what became of it; hence no references.
CREATE TABLE job (
    id                TEXT PRIMARY KEY NOT NULL,
    tenant_id         TEXT NOT NULL REFERENCES tenant (id),
    kind              TEXT NOT NULL CHECK (kind IN ('ingest')),
    knowledge_base_id TEXT NOT NULL,
    document_id       TEXT NOT NULL,
    status            TEXT NOT NULL CHECK (status IN ('queued', 'running', 'completed', 'failed', 'cancelled')),
    attempts          INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    message           TEXT,
    not_before        INTEGER NOT NULL,
    -- Every write of a running job asks for it, so that a worker that lost its lease changes nothing.
    lease_token       TEXT,
    created_at        INTEGER NOT NULL,
    updated_at        INTEGER NOT NULL,
    CHECK ((status = 'running') = (lease_token IS NOT NULL))
) STRICT;

CREATE INDEX job_in_order ON job (tenant_id, created_at, id);
CREATE INDEX job_queued ON job (tenant_id, created_at, id, not_before) WHERE status = 'queued';
CREATE INDEX job_running ON job (id) WHERE status = 'running';
CREATE INDEX job_of_base ON job (knowledge_base_id) WHERE status IN ('queued', 'running');
-- At most one live job for a document.
CREATE UNIQUE INDEX job_of_document ON job (document_id) WHERE status IN ('queued', 'running');

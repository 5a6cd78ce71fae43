-- Knowledge bases that change their model or their chunking.
--
-- A generation is all that was made of a knowledge base's documents by one model and one chunking: chunks, vectors, words
-- and segments. It is filed like a knowledge base, under an id of its own. The first of a knowledge base has that one's own
-- id and row; each later one has a row that belongs to nobody whom a request could name. What is searched is the one that
-- index_id names, so that one UPDATE takes a knowledge base from one generation to the next.

INSERT INTO tenant (id) VALUES ('(generation)');

ALTER TABLE knowledge_base ADD COLUMN generation_of TEXT REFERENCES knowledge_base (id) ON DELETE CASCADE;
CREATE INDEX knowledge_base_generations ON knowledge_base (generation_of) WHERE generation_of IS NOT NULL;
-- The generation that is searched, NULL for the first.
ALTER TABLE knowledge_base ADD COLUMN index_id TEXT;
-- The one that is being made, or whose making failed.
ALTER TABLE knowledge_base ADD COLUMN next_id TEXT;
-- The one that was searched before, for as long as it is kept.
ALTER TABLE knowledge_base ADD COLUMN former_id TEXT;
-- When the generation that is filed here is thrown away, unless it is wanted again before.
ALTER TABLE knowledge_base ADD COLUMN expires_at INTEGER;
CREATE INDEX knowledge_base_expiring ON knowledge_base (expires_at) WHERE expires_at IS NOT NULL;

-- A knowledge base as people know it: its name and rules, and model and chunking of the generation that is searched.
CREATE VIEW known_base AS
SELECT base.id, base.tenant_id, base.name, base.summary, base.metadata, base.embedding_weight, base.minimum_score,
    base.created_at, base.last_active_at, base.next_id, base.former_id, current.id AS index_id, current.embedding_name,
    current.embedding_dimension, current.embedding_max_tokens, current.embedding_fingerprint, current.chunking
FROM knowledge_base AS base JOIN knowledge_base AS current ON current.id = COALESCE(base.index_id, base.id);

-- The chunks of a document in a generation: their ids follow one another. In place of keyword_document.
CREATE TABLE edition (
    document_id       TEXT NOT NULL REFERENCES document (id) ON DELETE CASCADE,
    -- The generation's.
    knowledge_base_id TEXT NOT NULL REFERENCES knowledge_base (id) ON DELETE CASCADE,
    revision          INTEGER NOT NULL,
    first_chunk       INTEGER NOT NULL,
    last_chunk        INTEGER NOT NULL CHECK (last_chunk >= first_chunk),
    -- As the keyword index counts them.
    words             INTEGER NOT NULL DEFAULT 0 CHECK (words >= 0),
    PRIMARY KEY (document_id, knowledge_base_id)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX edition_in_order ON edition (knowledge_base_id, revision, document_id, first_chunk, last_chunk);

INSERT INTO edition (document_id, knowledge_base_id, revision, first_chunk, last_chunk, words)
SELECT document.id, document.knowledge_base_id, document.revision, MIN(chunk.id), MAX(chunk.id),
    COALESCE((SELECT words FROM keyword_document WHERE keyword_document.document_id = document.id), 0)
FROM document CROSS JOIN chunk ON chunk.document_id = document.id
WHERE document.status = 'completed' GROUP BY document.id;

-- Chunks that are being erased, with their document or, where only the generation goes, without it.
CREATE TABLE erased_chunks (
    document_id  TEXT NOT NULL REFERENCES document (id) ON DELETE CASCADE,
    first_chunk  INTEGER NOT NULL,
    -- Goes down with every step.
    last_chunk   INTEGER NOT NULL,
    -- The number in front of their words in the keyword index; NULL where they are not in there any more.
    keyword_base INTEGER,
    PRIMARY KEY (document_id, first_chunk)
) STRICT, WITHOUT ROWID;

INSERT INTO erased_chunks (document_id, first_chunk, last_chunk, keyword_base)
SELECT erasure.document_id, COALESCE(MIN(chunk.id), 1), COALESCE(MAX(chunk.id), 0), keyword_base
FROM erasure LEFT JOIN chunk ON chunk.document_id = erasure.document_id GROUP BY erasure.document_id;

DROP TABLE erasure;
DROP TABLE keyword_document;
ALTER TABLE erased_chunks RENAME TO erasure;
CREATE INDEX erasure_of_keywords ON erasure (keyword_base, first_chunk, last_chunk) WHERE keyword_base IS NOT NULL;

-- What the reader found beside the text: headings, pages, places. Without it a document has to be read again to be cut
-- again. NULL in rows that were written before it was kept.
ALTER TABLE document_text ADD COLUMN layout BLOB;

-- A re-index is a job whose document_id is the generation that it makes.
ALTER TABLE job DROP COLUMN kind;
ALTER TABLE job ADD COLUMN kind TEXT NOT NULL DEFAULT 'ingest' CHECK (kind IN ('ingest', 'reindex'));
ALTER TABLE job ADD COLUMN documents_total INTEGER CHECK (documents_total >= 0);
ALTER TABLE job ADD COLUMN documents_done INTEGER CHECK (documents_done BETWEEN 0 AND documents_total);

DROP TRIGGER job_end_is_told;
CREATE TRIGGER job_end_is_told AFTER UPDATE OF status ON job
WHEN NEW.status IN ('completed', 'failed', 'cancelled') AND NEW.status <> OLD.status
BEGIN
    INSERT INTO webhook_delivery (
        url, event, tenant_id, knowledge_base_id, document_id, job_id, reason, message, not_before, created_at
    )
    SELECT url, event, NEW.tenant_id, NEW.knowledge_base_id, CASE NEW.kind WHEN 'ingest' THEN NEW.document_id END, NEW.id,
        NEW.reason, NEW.message, NEW.updated_at, NEW.updated_at
    FROM webhook_event
    WHERE event = 'job.' || NEW.status OR (NEW.kind = 'ingest' AND event = 'document.' || NEW.status);
END;

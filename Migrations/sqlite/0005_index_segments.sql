-- What was removed and is being erased: a document of many chunks goes in steps. Until the last of them its row belongs
-- to nobody, here a tenant with a knowledge base and a file that no request can name.
INSERT INTO tenant (id) VALUES ('(erased)');

INSERT INTO knowledge_base (
    id, tenant_id, name, summary, metadata, embedding_name, embedding_dimension, embedding_max_tokens,
    embedding_fingerprint, chunking, created_at, last_active_at
) VALUES ('(erased)', '(erased)', '', '', '{}', '', 1, 1, '', '{}', 0, 0);

INSERT INTO file (id, tenant_id, name, bytes, sha256, purpose, created_at)
VALUES ('(erased)', '(erased)', '', 0, 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', '', 0);

CREATE TABLE erasure (
    document_id  TEXT PRIMARY KEY NOT NULL REFERENCES document (id) ON DELETE CASCADE,
    -- The number in front of its words in the keyword index; NULL where it is not in there any more.
    keyword_base INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX erasure_of_keywords ON erasure (keyword_base, document_id) WHERE keyword_base IS NOT NULL;

-- What an index worked out of a knowledge base's vectors: derived, and made anew where it is not here. A segment's parts
-- are written first, each in a transaction of its own, and count from the one that sets is_kept. Parts without a
-- segment are rubbish.
CREATE TABLE index_segment (
    id                INTEGER PRIMARY KEY AUTOINCREMENT,
    knowledge_base_id TEXT NOT NULL REFERENCES knowledge_base (id) ON DELETE CASCADE,
    -- The knowledge base's, as of the last document in it.
    through_revision  INTEGER NOT NULL CHECK (through_revision >= 0),
    format            INTEGER NOT NULL,
    rows              INTEGER NOT NULL CHECK (rows >= 0),
    parts             INTEGER NOT NULL CHECK (parts BETWEEN 0 AND 65535),
    bytes             INTEGER NOT NULL CHECK (bytes >= 0),
    is_kept           INTEGER NOT NULL DEFAULT 0 CHECK (is_kept IN (0, 1))
) STRICT;

CREATE INDEX index_segment_of_base ON index_segment (knowledge_base_id, id);

CREATE TABLE index_part (
    -- The segment's times 65536, plus the number of the part.
    id    INTEGER PRIMARY KEY,
    -- CRC-32 (zlib's) of the bytes.
    crc32 INTEGER NOT NULL,
    bytes BLOB NOT NULL
) STRICT;

-- All that an index asks of a completed document, without a look at its row.
DROP INDEX document_by_revision;
CREATE INDEX document_by_revision ON document (knowledge_base_id, revision, chunk_count, id)
WHERE revision IS NOT NULL;

-- Rises with every change of a document's attributes, so that what a filter let through is known to be out of date.
ALTER TABLE knowledge_base ADD COLUMN attribute_revision INTEGER NOT NULL DEFAULT 0;

CREATE TRIGGER attributes_change AFTER UPDATE OF attributes ON document
WHEN NEW.attributes <> OLD.attributes AND NEW.knowledge_base_id = OLD.knowledge_base_id
BEGIN
    UPDATE knowledge_base SET attribute_revision = attribute_revision + 1 WHERE id = NEW.knowledge_base_id;
END;

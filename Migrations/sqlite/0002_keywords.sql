-- What the keyword index knows of a knowledge base. Its number stands in front of each of its words in the index, so
-- that no search reads another's postings; numbers are never used again.
CREATE TABLE keyword_base (
    number            INTEGER PRIMARY KEY AUTOINCREMENT,
    knowledge_base_id TEXT NOT NULL UNIQUE REFERENCES knowledge_base (id) ON DELETE CASCADE,
    -- Indexed documents and chunks, and the words in all of them: what BM25 takes for the number and mean length of
    -- texts.
    documents         INTEGER NOT NULL DEFAULT 0 CHECK (documents >= 0),
    chunks            INTEGER NOT NULL DEFAULT 0 CHECK (chunks >= 0),
    words             INTEGER NOT NULL DEFAULT 0 CHECK (words >= 0)
) STRICT;

-- Which rows of the index are a document's, and how many words it has.
CREATE TABLE keyword_document (
    document_id TEXT PRIMARY KEY NOT NULL REFERENCES document (id) ON DELETE CASCADE,
    -- Its chunks' ids follow one another.
    first_chunk INTEGER NOT NULL,
    last_chunk  INTEGER NOT NULL CHECK (last_chunk >= first_chunk),
    words       INTEGER NOT NULL CHECK (words >= 0)
) STRICT, WITHOUT ROWID;

-- The words of the chunks as keys, in order. A row's id is its chunk's, times 4096, plus its number of words (at most
-- 4095), so that a posting says all that scoring needs.
CREATE VIRTUAL TABLE keyword USING fts5 (
    context, body, content = '', tokenize = "ascii tokenchars ':+#._-@/&§'"
);

-- Each German chunk's long words written backwards: where the words that end in another one stand side by side.
CREATE VIRTUAL TABLE keyword_ending USING fts5 (
    words, content = '', detail = none, tokenize = "ascii tokenchars ':'"
);

CREATE VIRTUAL TABLE keyword_vocabulary USING fts5vocab (keyword, row);
CREATE VIRTUAL TABLE keyword_ending_vocabulary USING fts5vocab (keyword_ending, row);

-- Which rules of analysis the index was made by; 0 before it was made at all. Another number means: make it anew.
CREATE TABLE keyword_analysis (
    version INTEGER NOT NULL
) STRICT;

INSERT INTO keyword_analysis (version) VALUES (0);

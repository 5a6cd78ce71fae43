-- Whose a chunk is, for searches that have only its number: editions of a generation do not share chunks, so that the one
-- that begins last before a chunk is the only one that can have it.
CREATE INDEX edition_by_chunk ON edition (knowledge_base_id, first_chunk, last_chunk, words);

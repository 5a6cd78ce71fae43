-- How a knowledge base's own searches weigh meaning and words: the share of meaning, NULL where each search decides.
ALTER TABLE knowledge_base ADD COLUMN embedding_weight REAL CHECK (embedding_weight BETWEEN 0 AND 1);
-- The score from which on its passages count as an answer, NULL for the server's default.
ALTER TABLE knowledge_base ADD COLUMN minimum_score REAL CHECK (minimum_score BETWEEN 0 AND 1);

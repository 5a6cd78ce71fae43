import FoundationEssentials
package import Knowledge

// A chunk whose vector is damaged is left out, so that all others stay searchable; `Database.open` takes whom to tell.

extension Database: VectorStore {
    /// Throws `RequestError.notFound` where the knowledge base is gone; no scope, since only an index asks, for what a
    /// search in a scope has named.
    package func revision(of base: KnowledgeBaseID) async throws -> Int64 {
        try await remembered.answer(to: .revision(base)) {
            try await reading { reader in try reader.vectorSpace(of: base).revision }
        }
    }

    package func changes(
        in base: KnowledgeBaseID, after revision: Int64, limit: Int
    ) async throws -> VectorChanges {
        try await reading { [self] reader in
            let space = try reader.vectorSpace(of: base)
            let step = try reader.completions(in: base, after: revision, limit: limit)
            // All that is left, removals at the end included; or up to the last document that still goes in.
            let reached = step.isComplete ? space.revision : step.editions.last?.revision ?? space.revision
            return VectorChanges(
                revision: reached, isComplete: step.isComplete,
                forgottenThrough: try reader.forgottenRemovals(in: base),
                removed: try reader.removals(in: base, after: revision, upTo: reached),
                added: try step.editions.map { try vectors(of: $0, dimension: space.dimension, reader) }
            )
        }
    }

    package func vectors(of documents: [DocumentID], in base: KnowledgeBaseID) async throws -> [DocumentVectors] {
        try await reading { [self] reader in
            let space = try reader.vectorSpace(of: base)
            return try documents.compactMap { document in
                try reader.edition(of: document, in: base)
                    .map { try vectors(of: $0, dimension: space.dimension, reader) }
            }
        }
    }

    package func vectors(of chunks: [ChunkID], in base: KnowledgeBaseID) async throws -> [[Float]?] {
        try await reading { [self] reader in
            let dimension = try reader.vectorSpace(of: base).dimension
            var vectors = [[Float]?](repeating: nil, count: chunks.count)
            let row = try reader.query("SELECT crc32, vector FROM chunk_vector WHERE chunk_id = ?")
            // In the order in which they lie in the file.
            for place in chunks.indices.sorted(by: { chunks[$0] < chunks[$1] }) {
                try row.bind(chunks[place].rawValue)
                defer { row.end() }
                var vector: [Float] = []
                if try row.next(),
                    VectorBlob.append(row.bytes(1), crc32: row.int(0), to: &vector, dimension: dimension)
                {
                    vectors[place] = vector
                } else if let document = try reader.document(of: chunks[place]) {
                    vectors[place] = []
                    tell(of: .damaged("a vector of \(document)"))
                }
            }
            return vectors
        }
    }

    private func vectors(of edition: Edition, dimension: Int, _ reader: Reader) throws -> DocumentVectors {
        let (vectors, damage) = try reader.vectors(of: edition, dimension: dimension)
        damage.map { tell(of: $0) }
        return vectors
    }
}

extension Reader {
    func vectorSpace(of base: KnowledgeBaseID) throws -> (revision: Int64, dimension: Int) {
        let row = try query("SELECT revision, embedding_dimension FROM knowledge_base WHERE id = ?", base.rawValue)
        defer { row.end() }
        guard try row.next() else { throw KnowledgeBase.missing(base) }
        guard (1...65_536).contains(row.int(1)) else {
            throw StorageError.damaged("the number of dimensions of \(base)")
        }
        return (row.int(0), Int(row.int(1)))
    }

    /// The next documents in order of completion, until they have `limit` vectors; at least one.
    fileprivate func completions(
        in base: KnowledgeBaseID, after revision: Int64, limit: Int
    ) throws -> (editions: [Edition], isComplete: Bool) {
        let rows = try query(
            """
            SELECT document_id, revision, first_chunk, last_chunk FROM edition
            WHERE knowledge_base_id = ? AND revision > ? ORDER BY revision
            """, base.rawValue, revision)
        defer { rows.end() }
        var editions: [Edition] = []
        var vectorCount = 0
        while try rows.next() {
            let next = try rows.edition()
            if !editions.isEmpty, vectorCount + next.chunkCount > limit { return (editions, false) }
            editions.append(next)
            vectorCount += next.chunkCount
        }
        return (editions, true)
    }

    fileprivate func edition(of document: DocumentID, in base: KnowledgeBaseID) throws -> Edition? {
        let row = try query(
            """
            SELECT document_id, revision, first_chunk, last_chunk FROM edition
            WHERE document_id = ? AND knowledge_base_id = ?
            """, document.rawValue, base.rawValue)
        defer { row.end() }
        return try row.next() ? row.edition() : nil
    }

    func removals(
        in base: KnowledgeBaseID, after revision: Int64, upTo last: Int64
    ) throws -> [DocumentID] {
        let rows = try query(
            """
            SELECT document_id FROM removal WHERE knowledge_base_id = ? AND revision > ? AND revision <= ?
                AND document_id <> ''
            ORDER BY revision
            """, base.rawValue, revision, last)
        var documents: [DocumentID] = []
        while try rows.next() { documents.append(DocumentID(rawValue: try rows.text(0))) }
        return documents
    }

    /// Up to which revision it is not known any more what was removed; 0 where all since the start is.
    func forgottenRemovals(in base: KnowledgeBaseID) throws -> Int64 {
        let row = try query(
            "SELECT revision, document_id FROM removal WHERE knowledge_base_id = ? ORDER BY revision LIMIT 1",
            base.rawValue)
        defer { row.end() }
        return try row.next() && row.text(1).isEmpty ? row.int(0) : 0
    }

    /// What is reserved for vectors before they are seen: 64 MB.
    private static let reservedNumbers = 1 << 24

    /// All vectors of an edition that are sound, and what is wrong with others.
    func vectors(of edition: Edition, dimension: Int) throws -> (vectors: DocumentVectors, damage: StorageError?) {
        let rows = try query(
            """
            SELECT chunk_id, crc32, vector FROM chunk CROSS JOIN chunk_vector ON chunk_vector.chunk_id = chunk.id
            WHERE document_id = ? AND chunk.id BETWEEN ? AND ? ORDER BY position
            """, edition.document.rawValue, edition.firstChunk, edition.lastChunk)
        defer { rows.end() }
        var result = DocumentVectors(
            document: edition.document, revision: edition.revision, chunks: [], vectors: [])
        result.chunks.reserveCapacity(edition.chunkCount)
        result.vectors.reserveCapacity(min(edition.chunkCount * dimension, Self.reservedNumbers))
        var damaged = 0
        while try rows.next() {
            if VectorBlob.append(rows.bytes(2), crc32: rows.int(1), to: &result.vectors, dimension: dimension) {
                result.chunks.append(ChunkID(rows.int(0)))
            } else {
                damaged += 1
            }
        }
        if damaged > 0 {
            let what = damaged == 1 ? "a vector" : "\(damaged) vectors"
            return (result, .damaged("\(what) of \(edition.document)"))
        }
        let isComplete = result.chunks.count == edition.chunkCount
        return (result, isComplete ? nil : .damaged("\(edition.document) has lost vectors"))
    }

    /// nil where the chunk is gone, and its vector with it.
    fileprivate func document(of chunk: ChunkID) throws -> String? {
        let row = try query("SELECT document_id FROM chunk WHERE id = ?", chunk.rawValue)
        defer { row.end() }
        return try row.next() ? row.text(0) : nil
    }
}

extension Query {
    /// From the columns document, revision, first and last chunk.
    func edition() throws -> Edition {
        Edition(
            document: DocumentID(rawValue: try text(0)), revision: int(1), firstChunk: int(2), lastChunk: int(3))
    }
}

import FoundationEssentials
import GRDB
package import Knowledge

extension Database: ChunkStore {
    package func passages(_ places: [ChunkPlace], in scope: Scope) async throws -> [Passage] {
        try await reading { reader in try reader.passages(places, of: scope.tenant) }
    }

    package func sample(
        of generation: KnowledgeBaseID, count: Int, in scope: Scope
    ) async throws -> (texts: [String], chunks: Int) {
        try await read { db in
            let chunks = try Int.fetchOne(
                db,
                sql: """
                    SELECT COALESCE(SUM(last_chunk - first_chunk + 1), 0) FROM edition
                    JOIN document ON document.id = document_id AND tenant_id = ? WHERE edition.knowledge_base_id = ?
                    """,
                arguments: [scope.tenant.rawValue, generation.rawValue])
            // Multiplying by an odd number and looking at the low bits scatters ids well enough to be fair to all documents.
            let rows = try Row.fetchAll(
                db,
                sql: """
                    SELECT CAST(text AS BLOB) AS text FROM chunk WHERE id IN (
                        SELECT chunk.id FROM edition
                        CROSS JOIN document ON document.id = edition.document_id
                        CROSS JOIN chunk ON chunk.document_id = edition.document_id
                            AND chunk.id BETWEEN first_chunk AND last_chunk
                        WHERE document.tenant_id = ? AND edition.knowledge_base_id = ?
                        ORDER BY (chunk.id * 40503) & 65535, chunk.id LIMIT ?
                    ) ORDER BY id
                    """,
                arguments: [scope.tenant.rawValue, generation.rawValue, count])
            return (try rows.map { try $0.text("text") }, chunks ?? 0)
        }
    }

    package func spans(around places: [ChunkPlace], reach: Int, in scope: Scope) async throws -> [ChunkSpan] {
        try await reading { reader in try reader.spans(around: places, reach: reach, of: scope.tenant) }
    }

    package func texts(
        _ stretches: [(document: DocumentID, bytes: Range<Int>)], in scope: Scope
    ) async throws -> [String?] {
        guard !stretches.isEmpty else { return [] }
        return try await reading { reader in try reader.texts(stretches, of: scope.tenant) }
    }
}

extension Reader {
    /// With scores of 0. Chunks that are gone, or another document's or tenant's, are left out.
    fileprivate func passages(_ places: [ChunkPlace], of tenant: TenantID) throws -> [Passage] {
        let row = try query(
            """
            SELECT knowledge_base_id, file_id, filename, title, heading_path, page, locator, character_start,
                character_end, text, token_count, attributes
            FROM chunk CROSS JOIN document ON document.id = chunk.document_id
            WHERE chunk.id = ? AND document.id = ? AND tenant_id = ?
            """)
        try row.bind(tenant.rawValue, at: 3)
        return try places.compactMap { place in
            try row.bind(place.chunk.rawValue)
            try row.bind(place.document.rawValue, at: 2)
            defer { row.end() }
            return try row.next() ? row.passage(place) : nil
        }
    }

    /// In the order of documents and chunks, each once.
    fileprivate func spans(around places: [ChunkPlace], reach: Int, of tenant: TenantID) throws -> [ChunkSpan] {
        let rows = try query(
            """
            SELECT near.id, near.position & \(Edition.mostChunks - 1), near.byte_start, near.byte_end, near.character_start,
                near.character_end, near.heading_path, near.page, near.token_count
            FROM chunk CROSS JOIN document ON document.id = chunk.document_id
            -- Neighbours have neighbouring ids; `+` keeps SQLite from looking each up by document and position.
            CROSS JOIN chunk AS near ON near.id BETWEEN chunk.id - ?4 AND chunk.id + ?4
                AND +near.document_id = chunk.document_id
                AND near.position BETWEEN chunk.position - ?4 AND chunk.position + ?4
            WHERE chunk.id = ?1 AND document.id = ?2 AND tenant_id = ?3
            """)
        try rows.bind(tenant.rawValue, at: 3)
        try rows.bind(Int64(reach), at: 4)
        var spans: [ChunkSpan] = []
        var seen: Set<ChunkID> = []
        for place in places {
            try rows.bind(place.chunk.rawValue)
            try rows.bind(place.document.rawValue, at: 2)
            defer { rows.end() }
            while try rows.next() {
                if seen.insert(ChunkID(rows.int(0))).inserted { spans.append(try rows.span(of: place.document)) }
            }
        }
        return spans.sorted { ($0.document.rawValue, $0.chunk) < ($1.document.rawValue, $1.chunk) }
    }

    fileprivate func texts(
        _ stretches: [(document: DocumentID, bytes: Range<Int>)], of tenant: TenantID
    ) throws -> [String?] {
        // SUBSTR of a blob counts bytes, from 1.
        let row = try query(
            """
            SELECT SUBSTR(CAST(document_text.text AS BLOB), ?, ?)
            FROM document JOIN document_text ON document_text.document_id = document.id
            WHERE document.id = ? AND document.tenant_id = ?
            """)
        try row.bind(tenant.rawValue, at: 4)
        return try stretches.map { stretch in
            try row.bind(Int64(stretch.bytes.lowerBound + 1))
            try row.bind(Int64(stretch.bytes.count), at: 2)
            try row.bind(stretch.document.rawValue, at: 3)
            defer { row.end() }
            return try row.next() ? row.text(0) : nil
        }
    }
}

extension Query {
    fileprivate func passage(_ place: ChunkPlace) throws -> Passage {
        guard case .object(let attributes) = try json(11) else {
            throw StorageError.damaged("the attributes of \(place.document)")
        }
        return Passage(
            chunk: place.chunk, knowledgeBase: KnowledgeBaseID(rawValue: try text(0)), document: place.document,
            file: FileID(rawValue: try text(1)), filename: try text(2), title: isNull(3) ? nil : try text(3),
            headingPath: try headingPath(4), page: isNull(5) ? nil : Int(int(5)), locator: isNull(6) ? nil : try text(6),
            characters: try range(7, 8), text: try text(9), tokenCount: Int(int(10)), attributes: attributes, score: 0)
    }

    fileprivate func span(of document: DocumentID) throws -> ChunkSpan {
        ChunkSpan(
            chunk: ChunkID(int(0)), document: document, position: Int(int(1)), bytes: try range(2, 3),
            characters: try range(4, 5), headingPath: try headingPath(6), page: isNull(7) ? nil : Int(int(7)),
            tokenCount: Int(int(8)))
    }

    private func headingPath(_ column: Int32) throws -> [String] {
        guard case .array(let headings) = try json(column), headings.allSatisfy({ $0.string != nil }) else {
            throw StorageError.damaged("a heading path is no list of texts")
        }
        return headings.compactMap(\.string)
    }
}

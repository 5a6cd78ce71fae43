import FoundationEssentials
import GRDB
package import Knowledge

extension Database: ChunkStore {
    package func passages(_ places: [ChunkPlace], in scope: Scope) async throws -> [Passage] {
        try await read { db in
            let rows = try Row.fetchAll(
                db, sql: Self.passagesByChunk,
                arguments: [
                    "tenant": scope.tenant.rawValue, "chunks": try jsonText(places.map(\.chunk.rawValue)),
                ]
            )
            let passages = Dictionary(
                try rows.map(Passage.init(row:)).map { ($0.chunk, $0) }, uniquingKeysWith: { first, _ in first })
            return places.compactMap { place in
                passages[place.chunk].flatMap { passage in
                    passage.document == place.document && passage.knowledgeBase == place.knowledgeBase ? passage : nil
                }
            }
        }
    }

    /// CROSS JOIN keeps SQLite from beginning with all documents of the tenant.
    private static let passagesByChunk = """
        SELECT chunk.id AS chunk_id, document.id AS document_id, knowledge_base_id, file_id, filename, title,
            heading_path, page, locator, character_start, character_end, CAST(text AS BLOB) AS text, token_count,
            attributes
        FROM json_each(:chunks) AS wanted
        CROSS JOIN chunk ON chunk.id = wanted.value
        CROSS JOIN document ON document.id = chunk.document_id
        WHERE document.tenant_id = :tenant
        """
}

extension Passage {
    /// With a score of 0.
    fileprivate init(row: Row) throws {
        self.init(
            chunk: ChunkID(try row.get("chunk_id")), knowledgeBase: try row.id("knowledge_base_id"),
            document: try row.id("document_id"), file: try row.id("file_id"), filename: try row.get("filename"),
            title: try row.find("title"), headingPath: try row.json("heading_path"), page: try row.find("page"),
            locator: try row.find("locator"), characters: try row.range("character_start", "character_end"),
            text: try row.text("text"), tokenCount: try row.get("token_count"),
            attributes: try row.json("attributes"), score: 0
        )
    }
}

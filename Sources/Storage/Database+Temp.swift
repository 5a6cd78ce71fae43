package import Knowledge
extension Database: KeywordIndex {
    package func search(_ query: String, in bases: [KnowledgeBaseID], documents: Set<DocumentID>?, limit: Int) async throws -> [KeywordHit] { [] }
    package func scores(of chunks: [ChunkID], for query: String, in bases: [KnowledgeBaseID]) async throws -> [KeywordHit] { [] }
}

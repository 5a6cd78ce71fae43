import Knowledge
import Synchronization

/// A `.npy` file as a knowledge base, so that the index is measured as it runs: rows come from a file as from the
/// database, ten to a document, and segments are kept in memory.
final class NumpyStore: VectorStore, SegmentStore {
    private static let rowsPerDocument = 10

    private struct State {
        var lastID: Int64 = 0
        var segments: [(kept: KeptSegment, parts: [[UInt8]])] = []
    }

    let base = KnowledgeBaseID(rawValue: "vs_benchmark")
    private let file: NumpyFile
    private let state = Mutex(State())

    init(_ file: NumpyFile) {
        self.file = file
    }

    private var documentCount: Int { (file.rows + Self.rowsPerDocument - 1) / Self.rowsPerDocument }

    /// Documents are numbered from 0 and completed one after the other.
    private func rows(ofDocument number: Int) -> Range<Int> {
        number * Self.rowsPerDocument..<min((number + 1) * Self.rowsPerDocument, file.rows)
    }

    private func document(_ number: Int) -> CompletedDocument {
        CompletedDocument(
            document: DocumentID(rawValue: "doc_\(number)"), revision: Int64(number + 1),
            chunkCount: rows(ofDocument: number).count)
    }

    private func vectors(ofDocument number: Int) throws -> DocumentVectors {
        let rows = rows(ofDocument: number)
        let document = document(number)
        return DocumentVectors(
            document: document.document, revision: document.revision, chunks: rows.map { ChunkID(Int64($0)) },
            vectors: try file.vectors(rows))
    }

    // MARK: - VectorStore

    func revision(of base: KnowledgeBaseID) async throws -> Int64 { Int64(documentCount) }

    func changes(in base: KnowledgeBaseID, after revision: Int64, limit: Int) async throws -> VectorChanges {
        let first = Int(revision)
        let end = min(documentCount, first + max(1, limit / Self.rowsPerDocument))
        return VectorChanges(
            revision: Int64(end), isComplete: end == documentCount, removed: [],
            added: try (first..<max(first, end)).map(vectors))
    }

    // MARK: - SegmentStore

    func manifest(of base: KnowledgeBaseID) async throws -> SegmentManifest {
        SegmentManifest(
            revision: Int64(documentCount), documents: (0..<documentCount).map(document),
            segments: state.withLock { $0.segments.map(\.kept) })
    }

    func part(_ number: Int, of segment: SegmentID, in base: KnowledgeBaseID) async throws -> [UInt8]? {
        state.withLock { state in
            guard let parts = state.segments.first(where: { $0.kept.id == segment })?.parts else { return nil }
            return parts.indices.contains(number) ? parts[number] : nil
        }
    }

    func keep(
        _ segment: NewSegment, replacing replaced: [SegmentID], in base: KnowledgeBaseID
    ) async throws -> SegmentID? {
        state.withLock { state in
            state.lastID += 1
            let kept = KeptSegment(
                id: SegmentID(state.lastID), throughRevision: segment.throughRevision, format: segment.format,
                rows: segment.rows, partCount: segment.partCount, byteCount: segment.byteCount)
            state.segments.removeAll { replaced.contains($0.kept.id) }
            state.segments.append((kept, (0..<segment.partCount).map(segment.part)))
            return kept.id
        }
    }

    func drop(_ segments: [SegmentID], in base: KnowledgeBaseID) async throws {
        state.withLock { $0.segments.removeAll { segments.contains($0.kept.id) } }
    }

    func vectors(of chunks: [ChunkID], in base: KnowledgeBaseID) async throws -> [[Float]?] {
        try chunks.map { chunk in
            let row = Int(chunk.rawValue)
            return (0..<file.rows).contains(row) ? try file.vectors(row..<row + 1) : nil
        }
    }

    func vectors(of documents: [DocumentID], in base: KnowledgeBaseID) async throws -> [DocumentVectors] {
        try documents.compactMap { document in
            guard let number = Int(document.rawValue.dropFirst("doc_".count)) else { return nil }
            return try vectors(ofDocument: number)
        }
    }
}

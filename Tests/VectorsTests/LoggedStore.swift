import Knowledge
import Synchronization

@testable import Vectors

/// A vector store in memory that keeps a log of changes as the database does.
final class LoggedStore: VectorStore {
    struct State {
        var revision: Int64 = 0
        var documents: [DocumentID: (revision: Int64, vectors: DocumentVectors)] = [:]
        var removed: [DocumentID: Int64] = [:]
        var reads = 0
        var isGone = false
        var lastSegment: Int64 = 0
        var segments: [(kept: KeptSegment, parts: [[UInt8]])] = []
        /// Up to where it is not known what was removed.
        var forgotten: Int64 = 0
        /// Whether segments cannot be written, and how often that was tried.
        var isFull = false
        var attempts = 0
        /// Rows of the largest segment that was ever kept.
        var mostRows = 0
    }

    let bases = Mutex<[KnowledgeBaseID: State]>([:])

    func revision(of base: KnowledgeBaseID) async throws -> Int64 {
        try bases.withLock { bases in
            if bases[base]?.isGone == true { throw RequestError.notFound("knowledge base", id: base.rawValue, parameter: nil) }
            return bases[base]?.revision ?? 0
        }
    }

    func changes(in base: KnowledgeBaseID, after revision: Int64, limit: Int) async throws -> VectorChanges {
        bases.withLock { bases in
            bases[base, default: State()].reads += 1
            let state = bases[base, default: State()]
            let added = state.documents.values.filter { $0.revision > revision }.sorted { $0.revision < $1.revision }
            // Two documents a step, so that loading takes several.
            let step = added.prefix(2)
            let isComplete = added.count <= 2
            let reached = isComplete ? state.revision : step.last?.revision ?? state.revision
            let removed = state.removed.filter { $0.value > revision && $0.value <= reached }.map(\.key)
            return VectorChanges(
                revision: reached, isComplete: isComplete, forgottenThrough: state.forgotten, removed: removed,
                added: step.map(\.vectors))
        }
    }

    func put(_ vectors: DocumentVectors, in base: KnowledgeBaseID) {
        bases.withLock { bases in
            var state = bases[base, default: State()]
            state.revision += 1
            var vectors = vectors
            vectors.revision = state.revision
            state.documents[vectors.document] = (state.revision, vectors)
            state.removed[vectors.document] = nil
            bases[base] = state
        }
    }

    func remove(_ document: DocumentID, from base: KnowledgeBaseID) {
        bases.withLock { bases in
            var state = bases[base, default: State()]
            state.revision += 1
            state.documents[document] = nil
            state.removed[document] = state.revision
            bases[base] = state
        }
    }

    /// Forgets what was removed so far.
    func forgetRemovals(in base: KnowledgeBaseID) {
        bases.withLock { bases in
            let last = bases[base]?.removed.values.max()
            if let last { bases[base]?.forgotten = last }
            bases[base]?.removed = [:]
        }
    }

    /// Makes the only mention of a vector unreadable, as damage does.
    func damageVector(of chunk: ChunkID, in base: KnowledgeBaseID) {
        bases.withLock { bases in
            let documents = bases[base]?.documents ?? [:]
            for (document, entry) in documents {
                guard let place = entry.vectors.chunks.firstIndex(of: chunk) else { continue }
                var vectors = entry.vectors
                let dimension = vectors.vectors.count / vectors.chunks.count
                vectors.chunks.remove(at: place)
                vectors.vectors.removeSubrange(place * dimension..<(place + 1) * dimension)
                bases[base]?.documents[document]?.vectors = vectors
            }
        }
    }

    /// All rows by brute force in double precision, best first, ties by chunk.
    func nearest(
        _ query: [Float], in wanted: [KnowledgeBaseID], documents: Set<DocumentID>?, limit: Int
    ) -> [(chunk: ChunkID, document: DocumentID, similarity: Double)] {
        bases.withLock { bases in
            wanted.flatMap { base in
                (bases[base]?.documents ?? [:]).values.flatMap { entry in
                    let vectors = entry.vectors
                    guard documents?.contains(vectors.document) ?? true else {
                        return [(ChunkID, DocumentID, Double)]()
                    }
                    return vectors.chunks.enumerated().map { row, chunk in
                        let start = row * query.count
                        let sum = query.indices.reduce(0.0) {
                            $0 + Double(query[$1]) * Double(vectors.vectors[start + $1])
                        }
                        return (chunk, vectors.document, sum)
                    }
                }
            }
        }
        .sorted { ($0.2, $1.0.rawValue) > ($1.2, $0.0.rawValue) }
        .prefix(limit).map { (chunk: $0.0, document: $0.1, similarity: $0.2) }
    }
}

extension LoggedStore: SegmentStore {
    func manifest(of base: KnowledgeBaseID) async throws -> SegmentManifest {
        bases.withLock { bases in
            let state = bases[base, default: State()]
            let documents = state.documents.values.filter { !$0.vectors.chunks.isEmpty }.map {
                CompletedDocument(
                    document: $0.vectors.document, revision: $0.revision, chunkCount: $0.vectors.chunks.count)
            }
            return SegmentManifest(
                revision: state.revision, documents: documents, segments: state.segments.map(\.kept))
        }
    }

    func part(_ number: Int, of segment: SegmentID, in base: KnowledgeBaseID) async throws -> [UInt8]? {
        bases.withLock { bases in
            bases[base]?.segments.first { $0.kept.id == segment }.flatMap {
                $0.parts.indices.contains(number) ? $0.parts[number] : nil
            }
        }
    }

    func keep(
        _ segment: NewSegment, replacing replaced: [SegmentID], in base: KnowledgeBaseID
    ) async throws -> SegmentID? {
        try bases.withLock { bases in
            bases[base]?.attempts += 1
            if bases[base]?.isFull == true { throw RequestError.notFound("space", id: "", parameter: nil) }
            guard var state = bases[base],
                replaced.allSatisfy({ id in state.segments.contains { $0.kept.id == id } })
            else { return nil }
            state.lastSegment += 1
            let kept = KeptSegment(
                id: SegmentID(state.lastSegment), throughRevision: segment.throughRevision, format: segment.format,
                rows: segment.rows, partCount: segment.partCount, byteCount: segment.byteCount)
            state.mostRows = max(state.mostRows, segment.rows)
            state.segments.removeAll { replaced.contains($0.kept.id) }
            state.segments.append((kept, (0..<segment.partCount).map(segment.part)))
            bases[base] = state
            return kept.id
        }
    }

    func drop(_ segments: [SegmentID], in base: KnowledgeBaseID) async throws {
        bases.withLock { $0[base]?.segments.removeAll { segments.contains($0.kept.id) } }
    }

    func vectors(of chunks: [ChunkID], in base: KnowledgeBaseID) async throws -> [[Float]?] {
        bases.withLock { bases in
            var found: [ChunkID: [Float]] = [:]
            for document in (bases[base]?.documents ?? [:]).values.map(\.vectors) {
                let dimension = document.vectors.count / max(document.chunks.count, 1)
                for (row, chunk) in document.chunks.enumerated() {
                    found[chunk] = Array(document.vectors[row * dimension..<(row + 1) * dimension])
                }
            }
            return chunks.map { found[$0] }
        }
    }

    func vectors(of documents: [DocumentID], in base: KnowledgeBaseID) async throws -> [DocumentVectors] {
        bases.withLock { bases in documents.compactMap { bases[base]?.documents[$0]?.vectors } }
    }
}

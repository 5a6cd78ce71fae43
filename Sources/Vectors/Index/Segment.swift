import Knowledge

/// A block and which of its documents still count. A value: removing makes a new one and leaves the block alone.
struct Segment: Sendable {
    let block: CodeBlock
    /// Its name in the store; nil while it is in memory only.
    let id: SegmentID?
    /// As the store knows it.
    let throughRevision: Int64
    /// One per document of the block.
    private var isLive: [Bool]
    private(set) var live: RowSelection

    var liveRows: Int { live.count }
    var isSealed: Bool { id != nil }
    var isClustered: Bool { block.layout.isClustered }
    /// Whether so many rows are removed that it pays to write the others anew.
    var isMostlyDead: Bool { liveRows * 4 < block.rows * 3 }

    init(_ block: CodeBlock, id: SegmentID? = nil, throughRevision: Int64 = 0) {
        self.block = block
        self.id = id
        self.throughRevision = throughRevision
        isLive = Array(repeating: true, count: block.documents.count)
        live = RowSelection(all: block.rows)
    }

    /// Leaves those documents that `counts`, given a document and its revision.
    mutating func keep(where counts: (DocumentID, Int64) -> Bool) {
        remove(at: isLive.indices.filter { isLive[$0] && !counts(block.documents[$0], block.revisions[$0]) })
    }

    /// Removes documents; takes out of the set those that were here.
    mutating func remove(_ documents: inout Set<DocumentID>) {
        var places: [Int] = []
        for document in documents {
            guard let place = block.place(of: document), isLive[place] else { continue }
            places.append(place)
            documents.remove(document)
        }
        remove(at: places)
    }

    private mutating func remove(at places: [Int]) {
        guard !places.isEmpty else { return }
        for place in places { isLive[place] = false }
        live.remove(places, of: block)
    }

    /// The documents that count, in the order of the block.
    var documents: [CompletedDocument] {
        isLive.indices.filter { isLive[$0] }.map { place in
            CompletedDocument(
                document: block.documents[place], revision: block.revisions[place],
                chunkCount: block.rowCount(ofDocumentAt: place))
        }
    }

    /// A document's vectors; nil where it does not count or its vectors are not in memory.
    func vectors(of document: DocumentID) -> DocumentVectors? {
        guard let place = block.place(of: document), isLive[place], let floats = block.floats else { return nil }
        var vectors = DocumentVectors(document: document, revision: block.revisions[place], chunks: [], vectors: [])
        block.eachRow(ofDocumentAt: place) { row in
            vectors.chunks.append(block.chunk(ofRow: row))
            let vector = floats.base + row * block.dimension
            vectors.vectors += UnsafeBufferPointer(start: vector, count: block.dimension)
        }
        return vectors
    }

    /// Where a chunk's vector is; nil where it is not here or not any more.
    func row(of place: ChunkPlace) -> Int? {
        guard let document = block.place(of: place.document), isLive[document] else { return nil }
        return block.row(of: place.chunk, inDocumentAt: document)
    }

    /// The rows that count of these documents.
    func selection(of documents: Set<DocumentID>?) -> RowSelection {
        guard let documents else { return live }
        if documents.count < isLive.count / 4 {
            let places = Set(documents.compactMap(block.place(of:)))
            return RowSelection(of: block) { isLive[$0] && places.contains($0) }
        }
        return RowSelection(of: block) { isLive[$0] && documents.contains(block.documents[$0]) }
    }
}

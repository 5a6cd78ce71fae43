import Knowledge

/// Vectors of some documents, row after row; never changed once made.
final class VectorBlock: Sendable {
    let dimension: Int
    let vectors: FloatBuffer
    let chunks: [ChunkID]
    let documents: [DocumentID]
    /// Where each document's rows begin, and at the end how many rows there are.
    let starts: [Int]
    private let places: [DocumentID: Int]

    var rows: Int { chunks.count }

    /// The documents' vectors; none without chunks, no two of the same document.
    convenience init(_ added: [DocumentVectors], dimension: Int) {
        self.init(added.map { ($0.document, $0.chunks[...]) }, dimension: dimension) { place in
            for document in added {
                document.vectors.withUnsafeBufferPointer { source in
                    guard let base = source.baseAddress else { return }
                    place.update(from: base, count: source.count)
                }
                place += document.vectors.count
            }
        }
    }

    /// What is left of the segments, which have no document in common.
    convenience init(livePartsOf segments: ArraySlice<Segment>, dimension: Int) {
        let ranges = segments.map { ($0.block, $0.ranges(of: nil)) }
        self.init(segments.flatMap(\.liveDocumentsAndChunks), dimension: dimension) { place in
            for (block, ranges) in ranges {
                for rows in ranges {
                    place.update(from: block.vectors.base + rows.lowerBound * dimension, count: rows.count * dimension)
                    place += rows.count * dimension
                }
            }
        }
    }

    /// - Parameter fill: Writes the vectors from the given place on, which it may move.
    private init(
        _ parts: [(document: DocumentID, chunks: ArraySlice<ChunkID>)], dimension: Int,
        fill: (inout UnsafeMutablePointer<Float>) -> Void
    ) {
        self.dimension = dimension
        var chunks: [ChunkID] = []
        var starts = [0]
        chunks.reserveCapacity(parts.reduce(0) { $0 + $1.chunks.count })
        starts.reserveCapacity(parts.count + 1)
        for part in parts {
            chunks += part.chunks
            starts.append(chunks.count)
        }
        vectors = FloatBuffer(count: chunks.count * dimension)
        var place = vectors.base
        fill(&place)
        self.chunks = chunks
        self.starts = starts
        documents = parts.map(\.document)
        places = Dictionary(uniqueKeysWithValues: documents.enumerated().map { ($1, $0) })
    }

    func place(of document: DocumentID) -> Int? { places[document] }

    func rows(ofDocumentAt place: Int) -> Range<Int> { starts[place]..<starts[place + 1] }

    /// The document that a row belongs to.
    func document(ofRow row: Int) -> DocumentID {
        var (low, high) = (0, documents.count)
        while high - low > 1 {
            let middle = (low + high) / 2
            if starts[middle] <= row { low = middle } else { high = middle }
        }
        return documents[low]
    }
}

/// A block and which of its documents still count. A value: removing makes a new one and leaves the block alone.
struct Segment: Sendable {
    let block: VectorBlock
    /// One per document of the block.
    private var isLive: [Bool]
    private(set) var liveRows: Int

    init(_ block: VectorBlock) {
        self.block = block
        isLive = Array(repeating: true, count: block.documents.count)
        liveRows = block.rows
    }

    /// Returns whether the document was here.
    mutating func remove(_ document: DocumentID) -> Bool {
        guard let place = block.place(of: document), isLive[place] else { return false }
        isLive[place] = false
        liveRows -= block.rows(ofDocumentAt: place).count
        return true
    }

    var liveDocumentsAndChunks: [(document: DocumentID, chunks: ArraySlice<ChunkID>)] {
        isLive.indices.filter { isLive[$0] }.map { place in
            (block.documents[place], block.chunks[block.rows(ofDocumentAt: place)])
        }
    }

    /// Where a chunk's vector is; nil where it is not here or not any more.
    func row(of place: ChunkPlace) -> Int? {
        guard let document = block.place(of: place.document), isLive[document] else { return nil }
        return block.rows(ofDocumentAt: document).first { block.chunks[$0] == place.chunk }
    }

    /// The rows that count, in as few ranges as possible.
    ///
    /// - Parameter documents: Where given, only these documents' rows.
    func ranges(of documents: Set<DocumentID>?) -> [Range<Int>] {
        guard let documents else { return joined(isLive.indices.lazy.filter { isLive[$0] }) }
        if documents.count < isLive.count {
            return joined(documents.compactMap(block.place(of:)).filter { isLive[$0] }.sorted())
        }
        return joined(isLive.indices.lazy.filter { isLive[$0] && documents.contains(block.documents[$0]) })
    }

    private func joined(_ places: some Sequence<Int>) -> [Range<Int>] {
        var ranges: [Range<Int>] = []
        for place in places {
            let rows = block.rows(ofDocumentAt: place)
            guard !rows.isEmpty else { continue }
            if let last = ranges.last, last.upperBound == rows.lowerBound {
                ranges[ranges.count - 1] = last.lowerBound..<rows.upperBound
            } else {
                ranges.append(rows)
            }
        }
        return ranges
    }
}

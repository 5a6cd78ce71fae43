import CKernels
package import Knowledge

/// Compares a kept segment with the vectors it was made from, byte by byte: encoding them anew gives the same codes on
/// every machine.
package struct SegmentAudit: Sendable {
    private let store: any SegmentStore
    private let workers: Workers

    package init(store: any SegmentStore, workers: Workers) {
        self.store = store
        self.workers = workers
    }

    /// What is wrong with a segment, in words; nil where nothing is. Documents that have gone since are not looked at.
    ///
    /// - Throws: What the store throws.
    package func problem(with bytes: [UInt8], of base: KnowledgeBaseID) async throws -> String? {
        let copy = AlignedBytes(count: bytes.count)
        bytes.withUnsafeBytes {
            UnsafeMutableRawBufferPointer(start: copy.base, count: $0.count).copyMemory(from: $0)
        }
        guard let block = try await workers.run(.background, { CodeBlock(checking: copy) }) else {
            return "its bytes are not those that its own hashes were made from"
        }
        let documents = block.documents.indices.map {
            CompletedDocument(
                document: block.documents[$0], revision: block.revisions[$0], chunkCount: block.rowCount(ofDocumentAt: $0))
        }
        for step in SegmentLoad.steps(of: documents) {
            let vectors = try await store.vectors(of: step.map(\.document), in: base)
            let problem = try await workers.run(.background) {
                vectors.lazy.compactMap { Self.problem(with: $0, in: block) }.first
            }
            if let problem { return problem }
        }
        return nil
    }

    private static func problem(with vectors: DocumentVectors, in block: CodeBlock) -> String? {
        guard let place = block.place(of: vectors.document), block.revisions[place] == vectors.revision,
            vectors.vectors.count == vectors.chunks.count * block.dimension
        else { return nil }
        // A vector that is damaged, or was when the segment was made, is on one side only.
        let numbers = Dictionary(zip(vectors.chunks, 0...), uniquingKeysWith: { $1 })
        var coder = RowCoder(dimension: block.dimension)
        var isSame = true
        vectors.vectors.withUnsafeBufferPointer { source in
            guard let base = source.baseAddress else { return }
            block.eachRow(ofDocumentAt: place) { row in
                guard let number = numbers[block.chunk(ofRow: row)] else { return }
                let centre = block.centres + block.group(ofRow: row) * block.dimension
                coder.encode(base + number * block.dimension, centre: centre)
                isSame = isSame && block.holds(coder, at: row)
            }
        }
        return isSame ? nil : "its codes of \(vectors.document) are not those of its vectors"
    }
}

extension CodeBlock {
    /// Whether a row has just these codes and factors.
    fileprivate func holds(_ coder: RowCoder, at row: Int) -> Bool {
        let half = layout.padded / 2
        let words = layout.padded / 64
        let block = signs + row / 8 * 8 * words + row % 8
        let factors = coder.factors
        let stored = [scales[row], nibbleRadii[row], byteRadii[row], signScales[row], signRadii[row]]
        let made = [
            factors.scale, factors.nibble_radius, factors.byte_radius, factors.sign_scale, factors.sign_radius,
        ]
        return coder.high.elementsEqual(UnsafeBufferPointer(start: high + row * half, count: half))
            && coder.low.elementsEqual(UnsafeBufferPointer(start: low + row * half, count: half))
            && (0..<words).allSatisfy { block[$0 * 8] == coder.signs[$0] }
            && zip(stored, made).allSatisfy { $0.bitPattern == $1.bitPattern }
    }
}

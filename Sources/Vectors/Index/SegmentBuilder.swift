import CKernels
import Knowledge

/// Makes the bytes of a segment from documents whose number of chunks is known beforehand, so that the vectors need not
/// all be in memory at once.
///
/// `@unchecked Sendable`: `encode` writes only the rows of the document that it is called for.
final class SegmentBuilder: @unchecked Sendable {
    /// A revision that no document has.
    private static let never: Int64 = -1

    private let layout: SegmentLayout
    private let bytes: AlignedBytes
    private let floats: FloatBuffer?
    private let documents: [CompletedDocument]
    /// Where each document's rows begin in the order of documents.
    private let starts: [Int]
    /// For each row in the order of documents where it goes, and its group; nil: one group, in that order.
    private let placement: Placement?
    private let lengths: UnsafeMutableBufferPointer<Float>

    /// Which row goes into which cluster.
    struct Placement {
        var rows: [UInt32]
        var groups: [UInt32]
        var groupStarts: [UInt32]

        /// - Parameter groups: The group of each row in the order of documents.
        init(groups: [UInt32], count: Int) {
            var starts = [UInt32](repeating: 0, count: count + 1)
            for group in groups { starts[Int(group) + 1] += 1 }
            for group in 0..<count { starts[group + 1] += starts[group] }
            var next = starts
            rows = groups.map { group in
                defer { next[Int(group)] += 1 }
                return next[Int(group)]
            }
            self.groups = groups
            groupStarts = starts
        }
    }

    /// - Parameters:
    ///   - centres: One vector a group. Any are right; the nearer they are to their rows, the better the codes.
    ///   - keepsFloats: Whether the vectors stay in memory beside their codes.
    init(
        documents: [CompletedDocument], dimension: Int, centres: [Float], placement: Placement? = nil, keepsFloats: Bool
    ) {
        var starts = [0]
        for document in documents { starts.append(starts[starts.count - 1] + document.chunkCount) }
        let rows = starts[documents.count]
        layout = SegmentLayout(
            dimension: dimension, rows: rows, documents: documents.count,
            nameBytes: documents.reduce(0) { $0 + $1.document.rawValue.utf8.count },
            groups: centres.count / dimension, isClustered: placement != nil)
        bytes = AlignedBytes(count: layout.byteCount)
        floats = keepsFloats ? FloatBuffer(count: rows * dimension) : nil
        lengths = .allocate(capacity: rows)
        lengths.initialize(repeating: 0)
        self.documents = documents
        self.starts = starts
        self.placement = placement
        array(.centres, Float.self).update(from: centres, count: centres.count)
        writeDocuments()
        writeGroups()
    }

    deinit {
        lengths.deallocate()
    }

    private func array<Element>(_ section: SegmentLayout.Section, _ type: Element.Type) -> UnsafeMutablePointer<Element> {
        bytes.array(of: type, at: layout.range(of: section).lowerBound)
    }

    private func writeDocuments() {
        var end = 0
        for (place, document) in documents.enumerated() {
            for byte in document.document.rawValue.utf8 {
                array(.names, UInt8.self)[end] = byte
                end += 1
            }
            array(.nameEnds, UInt32.self)[place] = UInt32(end)
            array(.revisions, Int64.self)[place] = document.revision
        }
        for (place, start) in starts.enumerated() { array(.starts, UInt32.self)[place] = UInt32(start) }
    }

    private func writeGroups() {
        guard let placement else {
            array(.groupStarts, UInt32.self)[1] = UInt32(layout.rows)
            return
        }
        array(.groupStarts, UInt32.self).update(from: placement.groupStarts, count: placement.groupStarts.count)
        array(.order, UInt32.self).update(from: placement.rows, count: layout.rows)
        for place in documents.indices {
            for index in starts[place]..<starts[place + 1] {
                array(.owners, UInt32.self)[Int(placement.rows[index])] = UInt32(place)
            }
        }
    }

    /// Encodes one document's vectors; each document once, on any thread.
    ///
    /// One that is not what was announced, as when it has gone meanwhile, takes its place but never counts.
    func encode(_ vectors: DocumentVectors?, at place: Int) {
        let announced = documents[place]
        guard let vectors, vectors.document == announced.document, vectors.revision == announced.revision,
            vectors.chunks.count == announced.chunkCount,
            vectors.vectors.count == announced.chunkCount * layout.dimension
        else {
            array(.revisions, Int64.self)[place] = Self.never
            return
        }
        vectors.vectors.withUnsafeBufferPointer { source in
            guard let base = source.baseAddress else { return }
            var coder = RowCoder(dimension: layout.dimension)
            for index in vectors.chunks.indices {
                let number = starts[place] + index
                let row = placement.map { Int($0.rows[number]) } ?? number
                let group = placement.map { Int($0.groups[number]) } ?? 0
                array(.chunks, Int64.self)[row] = vectors.chunks[index].rawValue
                let vector = base + index * layout.dimension
                floats.map { ($0.base + row * layout.dimension).update(from: vector, count: layout.dimension) }
                coder.encode(vector, centre: array(.centres, Float.self) + group * layout.dimension)
                put(coder, row)
            }
        }
    }

    private func put(_ coder: RowCoder, _ row: Int) {
        let half = layout.padded / 2
        (array(.high, UInt8.self) + row * half).update(from: coder.high, count: half)
        (array(.low, UInt8.self) + row * half).update(from: coder.low, count: half)
        let words = layout.padded / 64
        let block = array(.signs, UInt64.self) + row / 8 * 8 * words + row % 8
        for word in 0..<words { block[word * 8] = coder.signs[word] }
        array(.scales, Float.self)[row] = coder.factors.scale
        array(.nibbleRadii, Float.self)[row] = coder.factors.nibble_radius
        array(.byteRadii, Float.self)[row] = coder.factors.byte_radius
        array(.signScales, Float.self)[row] = coder.factors.sign_scale
        array(.signRadii, Float.self)[row] = coder.factors.sign_radius
        lengths[row] = coder.factors.length
    }

    /// The segment, once all documents are encoded.
    func finish() -> CodeBlock {
        let groupStarts = array(.groupStarts, UInt32.self)
        for group in 0..<layout.groups {
            let rows = Int(groupStarts[group])..<Int(groupStarts[group + 1])
            array(.groupLengths, Float.self)[group] = rows.reduce(0) { max($0, lengths[$1]) }
        }
        layout.seal(bytes)
        guard let block = CodeBlock(layout: layout, bytes: bytes, floats: floats) else {
            preconditionFailure("what a builder wrote is well-formed")
        }
        return block
    }
}

/// Turns one vector after the other into codes.
struct RowCoder {
    private let dimension: Int
    private(set) var high: [UInt8]
    private(set) var low: [UInt8]
    private(set) var signs: [UInt64]
    private(set) var factors = kern_index_factors()
    private var shifted: [Float]
    private var rotated: [Float]

    init(dimension: Int) {
        let padded = SegmentLayout.padded(dimension)
        self.dimension = dimension
        high = Array(repeating: 0, count: padded / 2)
        low = high
        signs = Array(repeating: 0, count: padded / 64)
        shifted = Array(repeating: 0, count: dimension)
        rotated = Array(repeating: 0, count: padded)
    }

    mutating func encode(_ vector: UnsafePointer<Float>, centre: UnsafePointer<Float>) {
        for index in 0..<dimension { shifted[index] = vector[index] - centre[index] }
        kern_index_rotate(shifted, dimension, rotated.count, &rotated)
        kern_index_encode(rotated, rotated.count, &high, &low, &signs, &factors)
    }
}

/// The mean of vectors, from `dimension` floats each; zero where any of them is not finite.
func meanVector(_ documents: [DocumentVectors], dimension: Int) -> [Float] {
    var sums = [Double](repeating: 0, count: dimension)
    var count = 0.0
    for document in documents {
        count += Double(document.chunks.count)
        document.vectors.withUnsafeBufferPointer { vectors in
            for row in document.chunks.indices {
                for index in 0..<dimension { sums[index] += Double(vectors[row * dimension + index]) }
            }
        }
    }
    let mean = sums.map { Float($0 / max(count, 1)) }
    // A length that overflows would make every bound useless.
    return mean.allSatisfy { abs($0) < 1e6 } ? mean : Array(repeating: 0, count: dimension)
}

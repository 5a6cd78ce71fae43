import CKernels
import Knowledge

/// Makes the bytes of a segment from vectors.
///
/// `@unchecked Sendable`: `encode` writes only the rows that it is called for.
final class SegmentBuilder: @unchecked Sendable {
    private let source: VectorRows
    private let layout: SegmentLayout
    private let bytes: AlignedBytes
    private let floats: FloatBuffer?
    /// For each row of the source where it goes, and its group; nil: one group, in the same order.
    private let placement: Placement?
    private let lengths: UnsafeMutableBufferPointer<Float>

    /// Which row goes into which group.
    struct Placement {
        var rows: [UInt32]
        var groups: [UInt32]
        var groupStarts: [UInt32]

        /// - Parameter groups: The group of each row of the source.
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
    init(_ source: VectorRows, centres: [Float], placement: Placement? = nil, keepsFloats: Bool) {
        self.source = source
        layout = SegmentLayout(
            dimension: source.dimension, rows: source.count, documents: source.documents.count,
            nameBytes: source.documents.reduce(0) { $0 + $1.document.rawValue.utf8.count },
            groups: centres.count / source.dimension, isClustered: placement != nil)
        bytes = AlignedBytes(count: layout.byteCount)
        floats = keepsFloats ? FloatBuffer(count: source.count * source.dimension) : nil
        lengths = .allocate(capacity: source.count)
        lengths.initialize(repeating: 0)
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
        var (end, start) = (0, 0)
        for (place, document) in source.documents.enumerated() {
            for byte in document.document.rawValue.utf8 {
                array(.names, UInt8.self)[end] = byte
                end += 1
            }
            array(.nameEnds, UInt32.self)[place] = UInt32(end)
            array(.revisions, Int64.self)[place] = document.revision
            array(.starts, UInt32.self)[place] = UInt32(start)
            start += document.chunkCount
        }
        array(.starts, UInt32.self)[source.documents.count] = UInt32(start)
    }

    private func writeGroups() {
        guard let placement else {
            array(.groupStarts, UInt32.self)[1] = UInt32(layout.rows)
            return
        }
        array(.groupStarts, UInt32.self).update(from: placement.groupStarts, count: placement.groupStarts.count)
        array(.order, UInt32.self).update(from: placement.rows, count: layout.rows)
        var number = 0
        for (place, document) in source.documents.enumerated() {
            for _ in 0..<document.chunkCount {
                array(.owners, UInt32.self)[Int(placement.rows[number])] = UInt32(place)
                number += 1
            }
        }
    }

    /// Encodes some rows of the source; each row once, on any thread.
    func encode(_ numbers: Range<Int>) {
        let dimension = layout.dimension
        var coder = RowCoder(dimension: dimension)
        source.vectors.withUnsafeBufferPointer { vectors in
            guard let base = vectors.baseAddress else { return }
            for number in numbers {
                let row = placement.map { Int($0.rows[number]) } ?? number
                let group = placement.map { Int($0.groups[number]) } ?? 0
                array(.chunks, Int64.self)[row] = source.chunks[number].rawValue
                let vector = base + number * dimension
                floats.map { ($0.base + row * dimension).update(from: vector, count: dimension) }
                coder.encode(vector, centre: array(.centres, Float.self) + group * dimension)
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

    /// The segment, once all rows are encoded.
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

extension CodeBlock {
    /// In one group, coded around the mean, on this thread.
    static func flat(_ rows: VectorRows, keepsFloats: Bool) -> CodeBlock {
        let builder = SegmentBuilder(rows, centres: rows.mean(of: 0..<rows.count), keepsFloats: keepsFloats)
        builder.encode(0..<rows.count)
        return builder.finish()
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

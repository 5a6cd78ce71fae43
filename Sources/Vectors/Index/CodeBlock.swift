import Knowledge
import Synchronization

/// The codes of some documents' vectors and what belongs to them: a segment's bytes, read where they stand. Never
/// changed once made, but that its reach is learnt.
///
/// `@unchecked Sendable`: the pointers lead into `bytes`, which it owns and only reads.
final class CodeBlock: @unchecked Sendable {
    let layout: SegmentLayout
    let bytes: AlignedBytes
    /// The vectors in the order of rows, where they are kept in memory.
    let floats: FloatBuffer?
    let documents: [DocumentID]
    private let places: [DocumentID: Int]
    /// The groups' centres, to find those near a query; nil in a flat segment.
    let centroids: Centroids?
    /// The greatest length of a centre.
    let centreLength: Double

    let revisions: UnsafePointer<Int64>
    private let starts: UnsafePointer<UInt32>
    private let order: UnsafePointer<UInt32>?
    private let owners: UnsafePointer<UInt32>?
    private let chunks: UnsafePointer<Int64>
    let centres: UnsafePointer<Float>
    let groupStarts: UnsafePointer<UInt32>
    let groupLengths: UnsafePointer<Float>
    let high: UnsafePointer<UInt8>
    let low: UnsafePointer<UInt8>
    let signs: UnsafePointer<UInt64>
    let scales: UnsafePointer<Float>
    let nibbleRadii: UnsafePointer<Float>
    let byteRadii: UnsafePointer<Float>
    let signScales: UnsafePointer<Float>
    let signRadii: UnsafePointer<Float>

    private let learntReach = Mutex<Reach?>(nil)

    /// nil until it is measured.
    var reach: Reach? {
        get { learntReach.withLock { $0 } }
        set { learntReach.withLock { $0 = newValue } }
    }

    var rows: Int { layout.rows }
    var dimension: Int { layout.dimension }
    var memory: Int { bytes.count + (floats.map { $0.count * 4 } ?? 0) }

    /// Bytes as they were kept; nil where they are not what was written.
    convenience init?(checking bytes: AlignedBytes) {
        guard let layout = SegmentLayout(checking: bytes) else { return nil }
        self.init(layout: layout, bytes: bytes, floats: nil)
    }

    /// Bytes as a `SegmentBuilder` made them; nil where they contradict themselves.
    init?(layout: SegmentLayout, bytes: AlignedBytes, floats: FloatBuffer?) {
        func section<Element>(_ section: SegmentLayout.Section, _ type: Element.Type) -> UnsafePointer<Element> {
            UnsafePointer(bytes.array(of: type, at: layout.range(of: section).lowerBound))
        }
        self.layout = layout
        self.bytes = bytes
        self.floats = floats
        revisions = section(.revisions, Int64.self)
        starts = section(.starts, UInt32.self)
        order = layout.isClustered ? section(.order, UInt32.self) : nil
        owners = layout.isClustered ? section(.owners, UInt32.self) : nil
        chunks = section(.chunks, Int64.self)
        centres = section(.centres, Float.self)
        groupStarts = section(.groupStarts, UInt32.self)
        groupLengths = section(.groupLengths, Float.self)
        high = section(.high, UInt8.self)
        low = section(.low, UInt8.self)
        signs = section(.signs, UInt64.self)
        scales = section(.scales, Float.self)
        nibbleRadii = section(.nibbleRadii, Float.self)
        byteRadii = section(.byteRadii, Float.self)
        signScales = section(.signScales, Float.self)
        signRadii = section(.signRadii, Float.self)
        guard Self.isStaircase(starts, layout.documents, layout.rows),
            Self.isStaircase(groupStarts, layout.groups, layout.rows),
            (0..<(layout.isClustered ? layout.rows : 0)).allSatisfy({ [order, owners] row in
                order.map { $0[row] < layout.rows } == true && owners.map { $0[row] < layout.documents } == true
            }),
            let names = Self.names(layout, section(.names, UInt8.self), section(.nameEnds, UInt32.self))
        else { return nil }
        documents = names
        centroids = layout.isClustered
            ? Centroids(centres, count: layout.groups, dimension: layout.dimension) : nil
        places = Dictionary(names.enumerated().map { ($1, $0) }, uniquingKeysWith: { $1 })
        centreLength = (0..<layout.groups).reduce(0) { [centres] longest, group in
            let squares = (0..<layout.dimension).reduce(0.0) {
                $0 + Double(centres[group * layout.dimension + $1]) * Double(centres[group * layout.dimension + $1])
            }
            return max(longest, squares.squareRoot())
        }
    }

    /// Numbers that rise from 0 to `end` in `count` steps.
    private static func isStaircase(_ numbers: UnsafePointer<UInt32>, _ count: Int, _ end: Int) -> Bool {
        numbers[0] == 0 && numbers[count] == end && (0..<count).allSatisfy { numbers[$0] <= numbers[$0 + 1] }
    }

    private static func names(
        _ layout: SegmentLayout, _ names: UnsafePointer<UInt8>, _ ends: UnsafePointer<UInt32>
    ) -> [DocumentID]? {
        var documents: [DocumentID] = []
        documents.reserveCapacity(layout.documents)
        var start = 0
        for place in 0..<layout.documents {
            let end = Int(ends[place])
            guard end >= start, end <= layout.nameBytes else { return nil }
            let name = String(decoding: UnsafeBufferPointer(start: names + start, count: end - start), as: UTF8.self)
            documents.append(DocumentID(rawValue: name))
            start = end
        }
        return documents
    }

    // MARK: - Rows, documents, groups

    func chunk(ofRow row: Int) -> ChunkID { ChunkID(chunks[row]) }

    func place(of document: DocumentID) -> Int? { places[document] }

    func rowCount(ofDocumentAt place: Int) -> Int { Int(starts[place + 1] - starts[place]) }

    /// The rows of a document, in the order of its chunks.
    func eachRow(ofDocumentAt place: Int, _ body: (Int) -> Void) {
        for index in Int(starts[place])..<Int(starts[place + 1]) { body(order.map { Int($0[index]) } ?? index) }
    }

    /// The row of a document's chunk, whose numbers rise; nil where it is not here.
    func row(of chunk: ChunkID, inDocumentAt place: Int) -> Int? {
        var (low, high) = (Int(starts[place]), Int(starts[place + 1]))
        while low < high {
            let middle = (low + high) / 2
            let row = order.map { Int($0[middle]) } ?? middle
            if chunks[row] == chunk.rawValue { return row }
            if chunks[row] < chunk.rawValue { low = middle + 1 } else { high = middle }
        }
        return nil
    }

    /// The document that a row belongs to.
    func document(ofRow row: Int) -> DocumentID {
        if let owners { return documents[Int(owners[row])] }
        var (low, high) = (0, documents.count)
        while high - low > 1 {
            let middle = (low + high) / 2
            if Int(starts[middle]) <= row { low = middle } else { high = middle }
        }
        return documents[low]
    }

    func rows(ofGroup group: Int) -> Range<Int> { Int(groupStarts[group])..<Int(groupStarts[group + 1]) }

    /// The group that a row belongs to.
    func group(ofRow row: Int) -> Int {
        var (low, high) = (0, layout.groups)
        while high - low > 1 {
            let middle = (low + high) / 2
            if Int(groupStarts[middle]) <= row { low = middle } else { high = middle }
        }
        return low
    }
}

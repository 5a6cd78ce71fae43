/// Finds all pieces that begin at a place in a text.
///
/// A trie by scalars whose edges are in one hash table, which is built in one pass and needs one look-up for each
/// scalar of the longest match and one to see that it ends.
struct PieceTrie: Sendable {
    /// From a node by a scalar to a node, and which piece ends there. Sixteen bytes: four to a cache line.
    fileprivate struct Edge {
        /// Parent and scalar; 0 for an empty slot.
        var key: UInt64 = 0
        var child: Int32 = 0
        /// -1 where no piece ends.
        var piece: Int32 = -1
    }

    private var edges: [Edge]
    private var nodes = 1

    /// - Parameter tokens: Their positions are their ids; of equal ones the last counts, and empty ones do not.
    init(_ tokens: [[UInt8]]) {
        edges = Array(repeating: Edge(), count: 64)
        for (id, token) in tokens.enumerated() { insert(token, id: Int32(id)) }
    }

    private mutating func insert(_ bytes: [UInt8], id: Int32) {
        bytes.withUnsafeBufferPointer { bytes in
            var node: Int32 = 0
            var position = 0
            while position < bytes.count {
                let (scalar, length) = UTF8Bytes.scalar(bytes, at: position)
                let index = indexOfEdge(from: node, scalar)
                node = edges[index].child
                position += length
                if position == bytes.count { edges[index].piece = id }
            }
        }
    }

    /// Where the edge is, made if there was none.
    private mutating func indexOfEdge(from node: Int32, _ scalar: UInt32) -> Int {
        if (nodes + 1) * 2 > edges.count { grow() }
        let key = Self.key(node, scalar)
        var index = Self.home(of: key, in: edges.count)
        while edges[index].key != 0 {
            if edges[index].key == key { return index }
            index = (index + 1) & (edges.count - 1)
        }
        edges[index] = Edge(key: key, child: Int32(nodes))
        nodes += 1
        return index
    }

    private mutating func grow() {
        let old = edges
        edges = Array(repeating: Edge(), count: old.count * 2)
        for edge in old where edge.key != 0 {
            var index = Self.home(of: edge.key, in: edges.count)
            while edges[index].key != 0 { index = (index + 1) & (edges.count - 1) }
            edges[index] = edge
        }
    }

    /// Scalars are counted from 1, so that no key is 0.
    @inline(__always)
    fileprivate static func key(_ node: Int32, _ scalar: UInt32) -> UInt64 {
        UInt64(UInt32(bitPattern: node)) << 32 | UInt64(scalar + 1)
    }

    @inline(__always)
    fileprivate static func home(of key: UInt64, in size: Int) -> Int {
        let product = key &* 0x9E37_79B9_7F4A_7C15
        return Int(truncatingIfNeeded: product ^ product >> 32) & (size - 1)
    }

    /// Look-ups without bounds checks, valid during `body`.
    func withLookup<Result>(_ body: (Lookup) -> Result) -> Result {
        edges.withUnsafeBufferPointer { body(Lookup(edges: $0)) }
    }

    struct Lookup {
        fileprivate let edges: UnsafeBufferPointer<Edge>

        /// The node that a scalar leads to from a node, the root being 0, and the piece that ends there, -1 if none
        /// does; nil if no piece goes on like this.
        @inline(__always)
        func step(from node: Int32, _ scalar: UInt32) -> (node: Int32, piece: Int32)? {
            let key = PieceTrie.key(node, scalar)
            var index = PieceTrie.home(of: key, in: edges.count)
            while edges[index].key != 0 {
                if edges[index].key == key { return (edges[index].child, edges[index].piece) }
                index = (index + 1) & (edges.count - 1)
            }
            return nil
        }

        /// The id of a whole piece.
        func id(of bytes: some Sequence<UInt8>) -> Int32? {
            Array(bytes).withUnsafeBufferPointer { bytes in
                var last: (node: Int32, piece: Int32) = (0, -1)
                var position = 0
                while position < bytes.count {
                    let (scalar, length) = UTF8Bytes.scalar(bytes, at: position)
                    guard let next = step(from: last.node, scalar) else { return nil }
                    last = next
                    position += length
                }
                return last.piece < 0 ? nil : last.piece
            }
        }
    }
}

/// Finds all pieces that begin at a place in a text.
///
/// A trie by scalars whose edges are in one hash table, which is built in one pass and needs one look-up for each scalar
/// of the longest match and one to see that it ends.
struct PieceTrie: Sendable {
    struct Piece {
        /// -1 where no piece ends.
        var id: Int32 = -1
        var score = 0.0
    }

    fileprivate struct Edge {
        /// Parent and scalar; 0 for an empty slot.
        var key: UInt64 = 0
        var child: Int32 = 0
    }

    private var edges: [Edge]
    private var pieces: [Piece] = [Piece()]

    /// - Parameter tokens: Their positions are their ids; of equal ones the last counts, and empty ones do not.
    init(_ tokens: [(bytes: [UInt8], score: Double)]) {
        edges = Array(repeating: Edge(), count: 64)
        for (id, token) in tokens.enumerated() where !token.bytes.isEmpty {
            insert(token.bytes, Piece(id: Int32(id), score: token.score))
        }
    }

    private mutating func insert(_ bytes: [UInt8], _ piece: Piece) {
        bytes.withUnsafeBufferPointer { bytes in
            var node: Int32 = 0
            var position = 0
            while position < bytes.count {
                let (scalar, length) = UTF8Bytes.scalar(bytes, at: position)
                node = childMade(of: node, scalar)
                position += length
            }
            pieces[Int(node)] = piece
        }
    }

    private mutating func childMade(of node: Int32, _ scalar: UInt32) -> Int32 {
        let key = Self.key(node, scalar)
        var index = Self.home(of: key, in: edges.count)
        while edges[index].key != 0 {
            if edges[index].key == key { return edges[index].child }
            index = (index + 1) & (edges.count - 1)
        }
        let child = Int32(pieces.count)
        pieces.append(Piece())
        edges[index] = Edge(key: key, child: child)
        if pieces.count * 2 > edges.count { grow() }
        return child
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
    fileprivate static func key(_ node: Int32, _ scalar: UInt32) -> UInt64 {
        UInt64(UInt32(bitPattern: node)) << 32 | UInt64(scalar + 1)
    }

    fileprivate static func home(of key: UInt64, in size: Int) -> Int {
        let product = key &* 0x9E37_79B9_7F4A_7C15
        return Int(truncatingIfNeeded: product ^ product >> 32) & (size - 1)
    }

    /// Look-ups without bounds checks, valid during `body`.
    func withLookup<Result>(_ body: (Lookup) -> Result) -> Result {
        edges.withUnsafeBufferPointer { edges in
            pieces.withUnsafeBufferPointer { pieces in body(Lookup(edges: edges, pieces: pieces)) }
        }
    }

    struct Lookup {
        fileprivate let edges: UnsafeBufferPointer<Edge>
        fileprivate let pieces: UnsafeBufferPointer<Piece>

        /// The node that a scalar leads to from a node, the root being 0; nil if no piece goes on like this.
        @inline(__always)
        func child(of node: Int32, _ scalar: UInt32) -> Int32? {
            let key = PieceTrie.key(node, scalar)
            var index = PieceTrie.home(of: key, in: edges.count)
            while edges[index].key != 0 {
                if edges[index].key == key { return edges[index].child }
                index = (index + 1) & (edges.count - 1)
            }
            return nil
        }

        /// The piece that ends at a node; its id is -1 if none does.
        @inline(__always)
        func piece(at node: Int32) -> Piece { pieces[Int(node)] }

        /// The id of a whole piece.
        func id(of bytes: some Sequence<UInt8>) -> Int32? {
            let bytes = Array(bytes)
            return bytes.withUnsafeBufferPointer { bytes in
                var node: Int32 = 0
                var position = 0
                while position < bytes.count {
                    let (scalar, length) = UTF8Bytes.scalar(bytes, at: position)
                    guard let child = child(of: node, scalar) else { return nil }
                    node = child
                    position += length
                }
                return piece(at: node).id < 0 ? nil : piece(at: node).id
            }
        }
    }
}

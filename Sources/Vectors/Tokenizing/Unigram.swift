/// SentencePiece's unigram model: the pieces whose probabilities have the greatest product (Kudo, 2018).
///
/// Scores are logarithms in double precision, and of equal sums the first found is kept, as in Hugging Face's
/// `Unigram`. Characters that no piece has are unknown, at a score of ten below the lowest; neighbouring unknown ones
/// are one token, or their bytes' tokens where the vocabulary has these.
struct Unigram: Sendable {
    private let trie: PieceTrie
    /// By id.
    private let scores: [Double]
    private let unknownID: Int32
    private let unknownScore: Double
    /// Ids of `<0x00>` to `<0xFF>`, -1 for those that there are not; empty where bytes are no tokens.
    private let byteIDs: [Int32]

    init(_ tokens: [(bytes: [UInt8], score: Double)], unknownID: Int, fallsBackToBytes: Bool) {
        trie = PieceTrie(tokens.map(\.bytes))
        scores = tokens.map(\.score)
        self.unknownID = Int32(unknownID)
        unknownScore = (scores.min() ?? 0) - 10
        byteIDs = trie.withLookup { lookup in
            guard fallsBackToBytes else { return [] }
            return (0..<256).map { byte in
                let digits = String(byte, radix: 16, uppercase: true)
                return lookup.id(of: "<0x\(byte < 16 ? "0" : "")\(digits)>".utf8) ?? -1
            }
        }
    }

    /// The best way to reach a place in the text.
    fileprivate struct Place {
        var score = 0.0
        /// -1 where no way is known.
        var start: Int32 = -1
        var id: Int32 = 0
    }

    /// What is computed in, kept from one call to the next.
    struct Workspace {
        fileprivate var places: [Place] = []
        fileprivate var path: [(id: Int32, range: Range<Int>)] = []
    }

    /// Calls `body` with the ids of one piece of text until it returns false. Returns whether it never did.
    func visit(_ text: UnsafeBufferPointer<UInt8>, _ workspace: inout Workspace, _ body: (Int32) -> Bool) -> Bool {
        if workspace.places.count <= text.count {
            workspace.places = Array(repeating: Place(), count: max(64, text.count * 2))
        }
        workspace.places.withUnsafeMutableBufferPointer { findBest(text, $0) }
        workspace.path.removeAll(keepingCapacity: true)
        var end = text.count
        while end > 0 {
            let place = workspace.places[end]
            let start = Int(place.start)
            if place.id == unknownID, let last = workspace.path.last, last.id == unknownID {
                workspace.path[workspace.path.count - 1].range = start..<last.range.upperBound
            } else {
                workspace.path.append((place.id, start..<end))
            }
            end = start
        }
        for (id, range) in workspace.path.reversed() {
            guard id == unknownID ? visitUnknown(text, range, body) : body(id) else { return false }
        }
        return true
    }

    private func findBest(_ text: UnsafeBufferPointer<UInt8>, _ places: UnsafeMutableBufferPointer<Place>) {
        for index in 0...text.count { places[index] = Place() }
        trie.withLookup { lookup in
            var start = 0
            while start < text.count {
                let score = places[start].score
                let length = UTF8Bytes.scalar(text, at: start).length
                var hasSingle = false
                var node: Int32 = 0
                var end = start
                while end < text.count {
                    let (scalar, width) = UTF8Bytes.scalar(text, at: end)
                    guard let next = lookup.step(from: node, scalar) else { break }
                    node = next.node
                    end += width
                    guard next.piece >= 0 else { continue }
                    if end == start + length { hasSingle = true }
                    let way = Place(score: score + scores[Int(next.piece)], start: Int32(start), id: next.piece)
                    Self.offer(way, to: &places[end])
                }
                if !hasSingle {
                    let place = Place(score: score + unknownScore, start: Int32(start), id: unknownID)
                    Self.offer(place, to: &places[start + length])
                }
                start += length
            }
        }
    }

    @inline(__always)
    private static func offer(_ way: Place, to place: inout Place) {
        if place.start < 0 || way.score > place.score { place = way }
    }

    private func visitUnknown(
        _ text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, _ body: (Int32) -> Bool
    ) -> Bool {
        let bytes = text[range]
        guard !byteIDs.isEmpty, bytes.allSatisfy({ byteIDs[Int($0)] >= 0 }) else { return body(unknownID) }
        for byte in bytes where !body(byteIDs[Int(byte)]) { return false }
        return true
    }
}

/// SentencePiece's compiled normalisation rules, applied as Hugging Face's `Precompiled` normaliser applies them.
///
/// The blob is a little-endian length, a double-array trie of that many bytes (Darts-clone: Yata, 2008) whose keys are
/// sequences to replace, and the replacements, each ended by a zero byte, which the trie's values point to. Hugging
/// Face goes through the text by grapheme clusters: a cluster of less than six bytes is replaced as a whole by what the
/// *shortest* key stands for that it begins with, so that "ﬁ" with an accent loses the accent; every other cluster is
/// replaced scalar by scalar. Models were trained and are run with these quirks, and so they are repeated here.
struct CharacterMap: Sendable {
    private let units: [UInt32]
    private let replacements: [UInt8]
    /// Whether a key begins with the ASCII character.
    private let begins: [Bool]

    /// - Returns: nil if the blob is cut short, or its replacements are not UTF-8.
    init?(_ blob: [UInt8]) {
        guard blob.count >= 4 else { return nil }
        func word(at index: Int) -> UInt32 {
            (0..<4).reduce(0) { $0 | UInt32(blob[index + $1]) << UInt32($1 * 8) }
        }
        let size = Int(word(at: 0))
        guard size > 0, size % 4 == 0, size <= blob.count - 4 else { return nil }
        units = (0..<size / 4).map { word(at: 4 + $0 * 4) }
        replacements = Array(blob[(4 + size)...])
        guard replacements.withUnsafeBufferPointer({ String(validating: $0, as: UTF8.self) }) != nil else { return nil }
        begins = units.withUnsafeBufferPointer { units in
            let trie = DoubleArray(units: units)
            return (0..<128).map { trie.child(of: trie.root, $0) != nil }
        }
    }

    /// The text with everything replaced that the rules know.
    func normalise(_ text: UnsafeBufferPointer<UInt8>) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(text.count + text.count / 8)
        units.withUnsafeBufferPointer { units in
            let trie = DoubleArray(units: units)
            var position = 0
            while position < text.count {
                let byte = text[position]
                let isAlone = position + 1 == text.count || text[position + 1] < 0x80
                if byte < 0x80, isAlone, !begins[Int(byte)] {
                    result.append(byte)
                    position += 1
                    continue
                }
                let end = clusterEnd(text, from: position)
                replace(text, position..<end, trie, into: &result)
                position = end
            }
        }
        return result
    }

    /// Replaces one grapheme cluster.
    private func replace(
        _ text: UnsafeBufferPointer<UInt8>, _ cluster: Range<Int>, _ trie: DoubleArray,
        into result: inout [UInt8]
    ) {
        if cluster.count < 6, let found = replacement(text, cluster, trie) {
            result += found
            return
        }
        var position = cluster.lowerBound
        while position < cluster.upperBound {
            let end = position + UTF8Bytes.scalar(text, at: position).length
            if let found = replacement(text, position..<end, trie) {
                result += found
            } else {
                result += UnsafeBufferPointer(rebasing: text[position..<end])
            }
            position = end
        }
    }

    /// What the shortest key stands for that the bytes begin with.
    private func replacement(
        _ text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, _ trie: DoubleArray
    ) -> ArraySlice<UInt8>? {
        var node = trie.root
        for position in range {
            guard text[position] != 0, let next = trie.child(of: node, text[position]) else { return nil }
            node = next.node
            guard next.isKey else { continue }
            // Only at a character's first byte, so that the result is UTF-8 whatever the trie says.
            guard let start = trie.value(of: node), start < replacements.count, replacements[start] & 0xC0 != 0x80
            else { return nil }
            return replacements[start...].prefix { $0 != 0 }
        }
        return nil
    }
}

/// A view of a double array: a unit holds a label, an offset to its children, and whether a key ends there.
///
/// Offsets are checked where they are followed, so that any bytes are a trie, if perhaps an empty one.
private struct DoubleArray {
    let units: UnsafeBufferPointer<UInt32>

    var root: Int { Self.offset(units[0]) }

    /// Where the children are of the node's child of that label; nil if it has none.
    @inline(__always)
    func child(of node: Int, _ label: UInt8) -> (node: Int, isKey: Bool)? {
        let place = node ^ Int(label)
        guard place < units.count else { return nil }
        let unit = units[place]
        guard unit & 0x8000_00FF == UInt32(label) else { return nil }
        return (place ^ Self.offset(unit), unit >> 8 & 1 == 1)
    }

    func value(of node: Int) -> Int? { node < units.count ? Int(units[node] & 0x7FFF_FFFF) : nil }

    private static func offset(_ unit: UInt32) -> Int { Int(unit >> 10) << Int((unit & 0x200) >> 6) }
}

/// The end of the extended grapheme cluster (Unicode Standard Annex 29) that begins at `start`.
private func clusterEnd(_ text: UnsafeBufferPointer<UInt8>, from start: Int) -> Int {
    var recognizer = Unicode._CharacterRecognizer()
    var position = start
    while position < text.count {
        let (value, length) = UTF8Bytes.scalar(text, at: position)
        if recognizer.hasBreak(before: Unicode.Scalar(value) ?? "\u{FFFD}"), position > start { return position }
        position += length
    }
    return position
}

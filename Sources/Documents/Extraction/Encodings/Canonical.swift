import Foundation

/// The one form of text that everything behind extraction sees.
enum Canonical {
    /// Makes text canonical; canonical text comes back as it is.
    ///
    /// CR LF, CR, NEL and the Unicode line separators become LF; form feeds and no-break spaces become spaces; other
    /// control characters, soft hyphens, zero-width spaces and byte order marks go; the rest is normalised to NFC.
    /// Zero-width joiners stay: Persian, Indic scripts and emoji need them.
    ///
    /// - Parameter input: Valid UTF-8.
    static func text(_ input: [UInt8]) -> [UInt8] {
        guard input.contains(where: { $0 >= 0x7F || ($0 < 0x20 && $0 != .newline && $0 != .tab) }) else { return input }
        var output: [UInt8] = []
        output.reserveCapacity(input.count)
        var isComposed = true
        var index = 0
        while index < input.count {
            let (value, length) = input.scalar(at: index)
            switch replacement(of: value) {
            case .keep:
                output.append(contentsOf: input[index..<index + length])
                if value >= 0x300 && isComposed { isComposed = isSettled(value) }
            case .drop: break
            case .space: output.append(.space)
            case .newline:
                let isLineFeedOfPair = value == 0x0A && index > 0 && input[index - 1] == 0x0D
                if !isLineFeedOfPair { output.append(.newline) }
            }
            index += length
        }
        return isComposed ? output : composed(output)
    }

    private enum Replacement { case keep, drop, space, newline }

    private static func replacement(of scalar: UInt32) -> Replacement {
        switch scalar {
        case 0x20...0x7E, 0x09: .keep
        case 0x0A, 0x0D, 0x85, 0x2028, 0x2029: .newline
        case 0x0B, 0x0C, 0xA0, 0x2007, 0x202F: .space
        case 0x00...0x1F, 0x7F...0x9F, 0xAD, 0x200B, 0x2060, 0xFEFF: .drop
        default: .keep
        }
    }

    /// Scalars that neither change under NFC nor join the one before: quick check "yes", combining class 0 (UAX #15).
    /// Scripts that are missing only take the slower path.
    private static func isSettled(_ scalar: UInt32) -> Bool {
        switch scalar {
        case 0x00...0x2FF, 0x388...0x482, 0x48A...0x52F, 0x5D0...0x5EA, 0x620...0x64A, 0xE01...0xE30, 0x1E00...0x1EFF,
            0x2010...0x205E, 0x20A0...0x20BF, 0x2150...0x218B, 0x2190...0x21FF, 0x2500...0x27BF, 0x3001...0x3029,
            0x3041...0x3096, 0x309B...0x31FF, 0x3400...0x9FFF, 0xAC00...0xD7A3, 0xFE0F, 0xFF01...0xFFEE, 0xFFFD,
            0x1F300...0x1FAFF, 0x20000...0x2A6DF:
            true
        default: false
        }
    }

    /// Longer pieces are cut anywhere, since sorting their marks takes time that grows with the square of their length.
    private static let maxPieceBytes = 512

    /// Composes piece by piece: a piece may begin at any settled scalar, since nothing before can combine with it. Pieces
    /// are short because Foundation's normalisation of one long string took 19 s for 9 MB, measured on Linux.
    private static func composed(_ input: [UInt8]) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(input.count)
        var known: [ArraySlice<UInt8>: [UInt8]] = [:]
        var index = 0
        while index < input.count {
            let start = index
            index += input.scalar(at: index).length
            while index < input.count && index - start < maxPieceBytes {
                let (value, length) = input.scalar(at: index)
                if isSettled(value) { break }
                index += length
            }
            let piece = input[start..<index]
            if piece.count == input.scalar(at: start).length && isSettled(input.scalar(at: start).value) {
                output.append(contentsOf: piece)
            } else if let composed = known[piece] {
                output.append(contentsOf: composed)
            } else {
                let composed = Array(piece.string.precomposedStringWithCanonicalMapping.utf8)
                if piece.count <= 64 && known.count < 10_000 { known[Array(piece)[...]] = composed }
                output.append(contentsOf: composed)
            }
        }
        return output
    }
}

/// What is not cut without need: a block, or a piece of one that was too large.
struct Atom {
    var bytes: Range<Int>
    /// Summed over words, at least 1.
    var tokens: Int
    /// Index of the block it is or belongs to.
    var block: Int
    var grain: Grain

    /// How finely a block was cut to get the piece, coarse to fine.
    enum Grain: Int, Comparable {
        case block, sentence, clause, word, letter

        static func < (one: Grain, other: Grain) -> Bool { one.rawValue < other.rawValue }
        var next: Grain { Grain(rawValue: rawValue + 1) ?? .letter }
    }

    /// What the pieces of a block are: sentences and clauses, rows and cells, lines.
    enum Texture { case prose, table, code }
}

extension Atom {
    /// Cuts an atom that is too large, no finer than needed: lines or sentences, then clauses, words, grapheme clusters.
    ///
    /// A loop over a stack of pieces, so that depth never follows the input.
    ///
    /// - Returns: Pieces in order; one piece if it cannot be cut.
    func pieces(upTo maxTokens: Int, meter: inout TokenMeter, texture: Texture) -> [Atom] {
        var pieces: [Atom] = []
        var pending = [self]
        while let atom = pending.popLast() {
            let isTooLarge = atom.tokens > maxTokens || (pieces.isEmpty && pending.isEmpty)
            guard isTooLarge, atom.grain < .letter else {
                pieces.append(atom)
                continue
            }
            let parts = atom.parts(meter: &meter, texture: texture)
            if parts.count == 1, var part = parts.first {
                part.grain = atom.grain.next
                pending.append(part)
            } else {
                pending.append(contentsOf: parts.reversed())
            }
        }
        return pieces
    }

    /// The atom cut one step finer.
    private func parts(meter: inout TokenMeter, texture: Texture) -> [Atom] {
        let ranges: [Range<Int>] =
            switch grain.next {
            case .block, .sentence:
                texture == .prose ? Sentences.byteRanges(in: meter.bytes, bytes) : Self.lines(of: meter.bytes, bytes)
            case .clause:
                switch texture {
                case .prose: Self.clauses(of: meter.bytes, bytes)
                case .table: Self.cells(of: meter.bytes, bytes)
                case .code: [bytes]
                }
            case .word: meter.units(in: bytes).map(\.bytes)
            case .letter: Self.halves(of: meter.bytes, bytes)
            }
        return ranges.map { range in
            // Halves of a word may have to be halved again.
            let grain = grain.next == .letter && Self.canBeCut(meter.bytes, range) ? Grain.word : grain.next
            return Atom(bytes: range, tokens: meter.tokens(in: range), block: block, grain: grain)
        }
    }

    private static func lines(of bytes: [UInt8], _ range: Range<Int>) -> [Range<Int>] {
        bytes[range].split(separator: .newline).compactMap { line in
            line.trimmingSpace.isEmpty ? nil : line.startIndex..<line.trimmingSpace.endIndex
        }
    }

    /// A row's cells, each with the bar behind it.
    private static func cells(of bytes: [UInt8], _ range: Range<Int>) -> [Range<Int>] {
        var cells: [Range<Int>] = []
        var start = range.lowerBound
        for index in range where bytes[index] == UInt8(ascii: "|") && index > start && index + 1 < range.upperBound {
            guard bytes[index - 1] == .space, bytes[index + 1] == .space else { continue }
            cells.append(start..<index + 1)
            start = min(index + 2, range.upperBound)
        }
        if start < range.upperBound { cells.append(start..<range.upperBound) }
        return cells
    }

    /// Stretches that end with a comma, semicolon, colon or dash.
    private static func clauses(of bytes: [UInt8], _ range: Range<Int>) -> [Range<Int>] {
        var clauses: [Range<Int>] = []
        var start = range.lowerBound
        var index = start
        while index < range.upperBound {
            let (value, length) = bytes.scalar(at: index)
            index += length
            let isMark: Bool =
                switch value {
                case 0x2C, 0x3A, 0x3B: index < range.upperBound && bytes[index].isSpace
                case 0x2013, 0x2014: index < range.upperBound && bytes[index].isSpace
                case 0x3001, 0xFF0C, 0xFF1A, 0xFF1B, 0x060C, 0x061B: true
                default: false
                }
            if isMark {
                clauses.append(start..<index)
                while index < range.upperBound, bytes[index].isSpace { index += 1 }
                start = index
            }
        }
        if start < range.upperBound { clauses.append(start..<range.upperBound) }
        return clauses
    }

    private static func canBeCut(_ bytes: [UInt8], _ range: Range<Int>) -> Bool {
        range.count > bytes.scalar(at: range.lowerBound).length
    }

    /// Two halves of a word, cut between grapheme clusters, or within the only one between its scalars.
    private static func halves(of bytes: [UInt8], _ range: Range<Int>) -> [Range<Int>] {
        guard canBeCut(bytes, range) else { return [range] }
        let characters = bytes[range].string
        let half = characters.prefix(characters.count / 2).utf8.count
        if half > 0 {
            return [range.lowerBound..<range.lowerBound + half, range.lowerBound + half..<range.upperBound]
        }
        var middle = range.lowerBound + range.count / 2
        while middle > range.lowerBound, bytes[middle].isContinuation { middle -= 1 }
        if middle == range.lowerBound { middle += bytes.scalar(at: middle).length }
        return [range.lowerBound..<middle, middle..<range.upperBound]
    }
}

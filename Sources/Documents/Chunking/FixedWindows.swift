import Knowledge

/// Windows of a fixed number of tokens on word borders, blind to structure: OpenAI's `static` chunking.
///
/// Its chunks have no context line, so that the size that was asked for is all that is embedded.
struct FixedWindows {
    let outline: Outline
    var meter: TokenMeter
    let maxTokens: Int
    let overlapTokens: Int

    mutating func chunks() -> [Chunk] {
        var builder = ChunkBuilder(outline.text, bytes: meter.bytes)
        for body in outline.bodies {
            let blocks = outline.text.blocks
            let bytes = blocks[body.lowerBound].bytes.lowerBound..<blocks[body.upperBound - 1].bytes.upperBound
            append(units(in: bytes), from: body.lowerBound, to: &builder)
        }
        return builder.chunks
    }

    /// - Parameter block: The block that the first unit lies in.
    private func append(_ units: [Unit], from block: Int, to builder: inout ChunkBuilder) {
        var block = block
        var covered = 0
        var first = 0
        while covered < units.count {
            var (last, tokens) = window(from: first, in: units)
            if last <= covered {
                // The overlap left no room for anything new.
                first = covered
                (last, tokens) = window(from: first, in: units)
            }
            let range = units[first].bytes.lowerBound..<units[last - 1].bytes.upperBound
            while outline.text.blocks[block].bytes.upperBound <= range.lowerBound { block += 1 }
            builder.append(range, context: "", path: outline.paths[block], tokens: tokens)
            covered = last
            first = overlapStart(before: last, after: first, in: units)
        }
    }

    /// Words, those that exceed a window by themselves cut to fit.
    private mutating func units(in bytes: Range<Int>) -> [Unit] {
        var units: [Unit] = []
        for unit in meter.units(in: bytes) {
            guard unit.tokens > maxTokens else {
                units.append(unit)
                continue
            }
            let word = Atom(bytes: unit.bytes, tokens: Int(unit.tokens), block: 0, grain: .word)
            for piece in word.pieces(upTo: maxTokens, meter: &meter, texture: .prose) {
                let (start, end) = (Int32(piece.bytes.lowerBound), Int32(piece.bytes.upperBound))
                units.append(Unit(start: start, end: end, tokens: Int32(clamping: piece.tokens)))
            }
        }
        return units
    }

    /// The end of the largest window from `first` on, and its exact number of tokens.
    private func window(from first: Int, in units: [Unit]) -> (end: Int, tokens: Int) {
        var last = first + 1
        var sum = Int(units[first].tokens)
        while last < units.count, sum + Int(units[last].tokens) <= maxTokens {
            sum += Int(units[last].tokens)
            last += 1
        }
        while true {
            let tokens = count(first..<last, in: units)
            if tokens <= maxTokens || last == first + 1 { return (last, tokens) }
            last = first + max(1, min(last - first - 1, (last - first) * maxTokens / tokens))
        }
    }

    private func overlapStart(before end: Int, after first: Int, in units: [Unit]) -> Int {
        guard overlapTokens > 0 else { return end }
        var start = end
        var sum = 0
        while start - 1 > first, sum + Int(units[start - 1].tokens) <= overlapTokens {
            start -= 1
            sum += Int(units[start].tokens)
        }
        while start < end {
            let tokens = count(start..<end, in: units)
            if tokens <= overlapTokens { break }
            start = end - min(end - start - 1, (end - start) * overlapTokens / tokens)
        }
        return start
    }

    private func count(_ range: Range<Int>, in units: [Unit]) -> Int {
        let bytes = units[range.lowerBound].bytes.lowerBound..<units[range.upperBound - 1].bytes.upperBound
        return meter.count(meter.bytes[bytes].string)
    }
}

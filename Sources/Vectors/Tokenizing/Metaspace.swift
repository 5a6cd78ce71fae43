/// SentencePiece's way to cut text: normalised, spaces written as `▁`, cut before each, and the parts into pieces.
struct Metaspace: TextCutter {
    /// Where a `▁` is put in front that is not there.
    enum Prefix: String, Sendable {
        case always
        /// Only at the start of the whole text.
        case first
        case never
    }

    /// `▁` in UTF-8.
    private static let mark: [UInt8] = [0xE2, 0x96, 0x81]

    var normalizer = TextNormalizer()
    /// Special tokens that are looked for in the normalised text.
    var specials = AddedTokens([])
    /// Whether text is cut at white space of any kind first, which then is gone.
    var splitsAtWhitespace: Bool
    var prefix: Prefix
    /// Whether parts begin at each `▁`; otherwise the text is one part.
    var cutsBeforeMarks = true
    var model: Unigram

    func visit(_ text: UnsafeBufferPointer<UInt8>, isStart: Bool, _ body: (Int32) -> Bool) -> Bool {
        var workspace = Unigram.Workspace()
        return normalizer(text).withUnsafeBufferPointer { text in
            var start = 0
            while start < text.count {
                let match = specials.next(in: text, from: start)
                let end = match?.range.lowerBound ?? text.count
                let goesOn = visitNormalised(
                    UnsafeBufferPointer(rebasing: text[start..<end]), isStart: isStart && start == 0, &workspace, body)
                guard goesOn else { return false }
                guard let match else { break }
                guard body(match.id) else { return false }
                start = match.range.upperBound
            }
            return true
        }
    }

    private func visitNormalised(
        _ text: UnsafeBufferPointer<UInt8>, isStart: Bool, _ workspace: inout Unigram.Workspace,
        _ body: (Int32) -> Bool
    ) -> Bool {
        var part: [UInt8] = []
        guard splitsAtWhitespace else {
            return visitRun(text, isStart: isStart, &part, &workspace, body)
        }
        var position = 0
        while position < text.count {
            let start = position
            var end = position
            while position < text.count {
                let (scalar, length) = UTF8Bytes.scalar(text, at: position)
                position += length
                if UTF8Bytes.isSpace(scalar) { break }
                end = position
            }
            let run = UnsafeBufferPointer(rebasing: text[start..<end])
            guard visitRun(run, isStart: isStart && start == 0, &part, &workspace, body) else { return false }
        }
        return true
    }

    /// Marks the spaces of a run of text and visits its parts, for which `part` is the memory.
    private func visitRun(
        _ run: UnsafeBufferPointer<UInt8>, isStart: Bool, _ part: inout [UInt8], _ workspace: inout Unigram.Workspace,
        _ body: (Int32) -> Bool
    ) -> Bool {
        guard let first = run.first else { return true }
        part.removeAll(keepingCapacity: true)
        let hasMark = first == 0x20 || Self.isMark(run, at: 0)
        if !hasMark, prefix == .always || prefix == .first && isStart { part += Self.mark }
        var position = 0
        while position < run.count {
            let isMark = run[position] == 0x20 || Self.isMark(run, at: position)
            if isMark {
                if cutsBeforeMarks, !flush(&part, &workspace, body) { return false }
                part += Self.mark
                position += run[position] == 0x20 ? 1 : 3
            } else {
                part.append(run[position])
                position += 1
            }
        }
        return flush(&part, &workspace, body)
    }

    private func flush(
        _ part: inout [UInt8], _ workspace: inout Unigram.Workspace, _ body: (Int32) -> Bool
    ) -> Bool {
        if part.isEmpty { return true }
        defer { part.removeAll(keepingCapacity: true) }
        return part.withUnsafeBufferPointer { model.visit($0, &workspace, body) }
    }

    @inline(__always)
    private static func isMark(_ text: UnsafeBufferPointer<UInt8>, at position: Int) -> Bool {
        text[position] == 0xE2 && position + 2 < text.count && text[position + 1] == 0x96 && text[position + 2] == 0x81
    }
}

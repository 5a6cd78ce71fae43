import Knowledge

/// Packs blocks into chunks along the document's structure.
///
/// Sections under headings of level 1 and 2 stay apart; small deeper ones share a chunk. Within a section the blocks are spread
/// evenly over as few chunks as the window allows. A block is cut only if it is larger than a chunk, and then the next chunk
/// repeats its last sentence, so that a thought which was cut in two can still be found.
struct StructuredPacker {
    private let outline: Outline
    private let window: Int
    private var meter: TokenMeter
    private var contexts: ContextLine
    private var builder: ChunkBuilder
    /// The declarations of a source file, nil for other texts.
    private let scopes: CodeScopes?
    /// What is not packed yet of the sections at hand, last first.
    private var pending: [Atom] = []
    /// The end of the chunk before, if the next atom continues its block.
    private var overlap: Atom?

    /// Shares of a chunk's budget: what chunks aim at; below which a section joins the next; what a repeated sentence may
    /// take; what a chunk must have before it ends early for the sake of a better border.
    private enum Share {
        static let target = 0.85
        static let smallSection = 0.35
        static let overlap = 0.2
        static let worthwhile = 0.5
    }

    /// A table's first row is repeated only if it is not longer.
    private static let maxHeaderBytes = 400

    /// A chunk that may still turn out to be too large.
    private struct Draft {
        var atoms: [Atom] = []
        var overlap: Atom?
        var tokens = 0

        var bytes: Range<Int> {
            let start = overlap?.bytes.lowerBound ?? atoms.first?.bytes.lowerBound ?? 0
            return start..<(atoms.last?.bytes.upperBound ?? start)
        }

        var stretches: [Range<Int>] { (overlap.map { [$0.bytes] } ?? []) + atoms.map(\.bytes) }

        mutating func append(_ atom: Atom) {
            atoms.append(atom)
            tokens += atom.tokens
        }

        /// - Returns: Whether there was an overlap and nothing else.
        mutating func dropOverlapIfAlone() -> Bool {
            guard atoms.isEmpty, overlap != nil else { return false }
            overlap = nil
            tokens = 0
            return true
        }

        mutating func removeLast() -> Atom? {
            guard let atom = atoms.popLast() else { return nil }
            tokens -= atom.tokens
            return atom
        }
    }

    init(outline: Outline, meter: TokenMeter, window: Int, counter: any TokenCounter) {
        self.outline = outline
        self.meter = meter
        self.window = window
        contexts = ContextLine(window: window, counter: counter)
        builder = ChunkBuilder(outline.text, bytes: meter.bytes)
        scopes = outline.isSourceCode ? CodeScopes(meter.bytes) : nil
    }

    mutating func chunks() -> [Chunk] {
        guard !outline.text.blocks.isEmpty else { return [] }
        let sections = outline.sections()
        var next = 0
        while next < sections.count {
            var atoms = self.atoms(of: sections[next])
            var tokens = atoms.reduce(0) { $0 + $1.tokens }
            let budget = budget(at: sections[next].blocks.lowerBound)
            next += 1
            while next < sections.count, !sections[next].isApart,
                Double(tokens) < Share.smallSection * Share.target * Double(budget)
            {
                let more = self.atoms(of: sections[next])
                let sum = tokens + more.reduce(0) { $0 + $1.tokens }
                guard sum <= budget else { break }
                atoms += more
                tokens = sum
                next += 1
            }
            pack(atoms)
        }
        return builder.chunks
    }

    private mutating func atoms(of section: Outline.Section) -> [Atom] {
        section.blocks.map { block in
            let bytes = outline.text.blocks[block].bytes
            return Atom(bytes: bytes, tokens: meter.tokens(in: bytes), block: block, grain: .block)
        }
    }

    /// Tokens that the context at a block leaves for text.
    private mutating func budget(at block: Int) -> Int {
        max(1, window - contexts.line(outline.context(of: block...block, fromStart: false)).tokens)
    }

    // MARK: - Packing

    private mutating func pack(_ atoms: [Atom]) {
        pending = atoms.reversed()
        overlap = nil
        while let first = pending.last {
            let budget = budget(at: first.block)
            var draft = Draft()
            if let overlap, overlap.block == first.block, Double(overlap.tokens) <= Share.overlap * Share.target * Double(budget) {
                draft.overlap = overlap
                draft.tokens = overlap.tokens
            }
            fill(&draft, budget: budget)
            finish(draft)
        }
    }

    /// Moves atoms from `pending` to the draft: at least one.
    private mutating func fill(_ draft: inout Draft, budget: Int) {
        let ideal = ideal(after: draft.tokens, budget: budget)
        // Whether the draft has nothing but headings.
        var isBare = true
        while let atom = pending.last {
            let room = budget - draft.tokens
            if atom.tokens > room {
                if draft.dropOverlapIfAlone() { continue }
                // Behind a heading something must follow, if only the beginning of a block.
                guard draft.atoms.isEmpty || (isBare && room * 4 > budget), cutLast(upTo: max(1, room)) else { break }
                continue
            }
            if !isBare, Double(draft.tokens) + Double(atom.tokens) / 2 > ideal { break }
            pending.removeLast()
            draft.append(atom)
            isBare = isBare && isHeading(atom)
        }
        if draft.atoms.isEmpty, let atom = pending.popLast() { draft.append(atom) }
        if !pending.isEmpty { giveBack(&draft, ideal: ideal) }
    }

    /// The size at which what is left comes out in chunks of like size. Looks no further ahead than it matters.
    private func ideal(after tokens: Int, budget: Int) -> Double {
        var total = tokens
        for atom in pending.reversed() {
            total += atom.tokens
            if total > 4 * budget { break }
        }
        if total <= budget { return Double(budget) }
        let target = Share.target * Double(budget)
        return Double(total) / (Double(total) / target).rounded(.up)
    }

    /// Replaces the next atom by pieces of it.
    ///
    /// - Returns: Whether there are several now.
    private mutating func cutLast(upTo maxTokens: Int) -> Bool {
        guard let atom = pending.last else { return false }
        let pieces = atom.pieces(upTo: maxTokens, meter: &meter, texture: texture(of: atom))
        guard pieces.count > 1 else { return false }
        pending.removeLast()
        pending.append(contentsOf: pieces.reversed())
        return true
    }

    /// A heading or a line that announces a list does not end a chunk.
    private mutating func giveBack(_ draft: inout Draft, ideal: Double) {
        guard let body = draft.atoms.firstIndex(where: { !isHeading($0) }) else { return }
        while draft.atoms.count > body + 1, let last = draft.atoms.last, announces(last),
            Double(draft.tokens - last.tokens) >= Share.worthwhile * ideal || isHeading(last)
        {
            _ = draft.removeLast().map { pending.append($0) }
        }
    }

    private func announces(_ atom: Atom) -> Bool {
        isHeading(atom) || (isProse(atom) && meter.bytes[atom.bytes.upperBound - 1] == UInt8(ascii: ":"))
    }

    private func isHeading(_ atom: Atom) -> Bool { outline.text.blocks[atom.block].headingLevel != nil }

    private func texture(of atom: Atom) -> Atom.Texture {
        switch outline.text.blocks[atom.block].kind {
        case .table: .table
        case .code: .code
        default: .prose
        }
    }

    private func isProse(_ atom: Atom) -> Bool { texture(of: atom) == .prose }

    // MARK: - Checking

    /// Counts the draft as it will be embedded, makes it smaller until it fits, and makes it a chunk.
    private mutating func finish(_ draft: Draft) {
        var draft = draft
        while let first = draft.atoms.first, let last = draft.atoms.last {
            let blocks = first.block...last.block
            let context = context(of: draft)
            let tokens = meter.addsUp(draft.stretches)
                ? context.tokens + draft.tokens : meter.count(context.text + meter.bytes[draft.bytes].string)
            if tokens <= window || isIndivisible(draft) {
                let isBarelyTooLarge = tokens > window && !context.text.isEmpty
                let shown = isBarelyTooLarge ? ContextLine.Line() : context
                let count = isBarelyTooLarge ? meter.count(meter.bytes[draft.bytes].string) : tokens
                builder.append(draft.bytes, context: shown.text, path: outline.path(of: blocks), tokens: count)
                let continues = pending.last.map { $0.grain > .block && $0.block == last.block } ?? false
                overlap = continues && draft.atoms.count > 1 && last.grain == .sentence && isProse(last) ? last : nil
                return
            }
            shrink(&draft, tokens: tokens, context: context.tokens)
        }
    }

    private func isIndivisible(_ draft: Draft) -> Bool {
        draft.overlap == nil && draft.atoms.count == 1 && draft.atoms.allSatisfy { $0.grain == .letter }
    }

    /// Drops the overlap, gives the last atoms back, or cuts the only one.
    private mutating func shrink(_ draft: inout Draft, tokens: Int, context: Int) {
        if let overlap = draft.overlap {
            draft.overlap = nil
            draft.tokens -= overlap.tokens
            return
        }
        let count = draft.atoms.count
        let room = max(1, window - context)
        let kept = max(1, min(count - 1, count * room / max(1, tokens - context)))
        while draft.atoms.count > kept { _ = draft.removeLast().map { pending.append($0) } }
        guard count == 1, let atom = draft.removeLast() else { return }
        let limit = max(1, atom.tokens * room / max(1, tokens - context) * 9 / 10)
        var pieces = atom.pieces(upTo: limit, meter: &meter, texture: texture(of: atom))
        if pieces.count == 1 { pieces[0].grain = .letter }
        draft.append(pieces.removeFirst())
        pending.append(contentsOf: pieces.reversed())
    }

    private mutating func context(of draft: Draft) -> ContextLine.Line {
        guard let first = draft.atoms.first, let last = draft.atoms.last else { return ContextLine.Line() }
        let block = outline.text.blocks[first.block]
        let isFromStart = draft.bytes.lowerBound == block.bytes.lowerBound
        var parts = outline.context(of: first.block...last.block, fromStart: isFromStart)
        if let scopes { parts += scopes.path(at: draft.bytes.lowerBound) }
        // Rows mean little without the names of their columns.
        if block.kind == .table, !isFromStart {
            let header = meter.bytes[block.bytes].prefix(Self.maxHeaderBytes + 1).prefix { $0 != .newline }
            if header.count <= Self.maxHeaderBytes, meter.count(header.string) * 2 <= contexts.maxTokens { parts.append(header.string) }
        }
        return contexts.line(parts)
    }
}

/// Strips the inline markup of one Markdown block: emphasis marks and link targets go, their texts and code stay.
///
/// One pass with explicit stacks, linear in the length whatever the input. What turns out to be markup only later is
/// overwritten by zero bytes, which canonical text cannot contain, and filtered out in the end.
struct MarkdownInline {
    private let input: ArraySlice<UInt8>
    private var output: [UInt8] = []
    private var index: Int
    /// Runs of backticks by length, last first, so that the next one of a length is found at once.
    private var backtickRuns: [Int: [Int]] = [:]
    private var openBrackets: [Bracket] = []
    private var openEmphasis: [UInt8: [Run]] = [:]

    /// False once a search for the end of a comment failed, so that it is not searched again.
    private var mayEndComment = true

    private struct Bracket { var position: Int, isImage: Bool }
    /// A run of emphasis marks in `output` that may open emphasis; `count` of them are not used yet.
    private struct Run { var position: Int, count: Int }

    private static let tombstone: UInt8 = 0
    /// CommonMark allows any depth; real targets have one.
    private static let maxParentheses = 32

    static func strip(_ input: ArraySlice<UInt8>) -> [UInt8] {
        let markup: [UInt8] = Array("\\`*_~[]<&".utf8)
        guard input.contains(where: markup.contains) else { return Array(input) }
        var inline = MarkdownInline(input)
        while inline.index < input.endIndex { inline.step() }
        return inline.output.filter { $0 != tombstone }
    }

    private init(_ input: ArraySlice<UInt8>) {
        self.input = input
        index = input.startIndex
        output.reserveCapacity(input.count)
        var at = input.startIndex
        while let start = input[at...].firstIndex(of: UInt8(ascii: "`")) {
            at = input[start...].firstIndex { $0 != UInt8(ascii: "`") } ?? input.endIndex
            backtickRuns[at - start, default: []].append(start)
        }
        backtickRuns = backtickRuns.mapValues { $0.reversed() }
    }

    private mutating func step() {
        switch input[index] {
        case UInt8(ascii: "\\"): escape()
        case UInt8(ascii: "`"): code()
        case UInt8(ascii: "*"), UInt8(ascii: "_"), UInt8(ascii: "~"): emphasis()
        case UInt8(ascii: "["): open()
        case UInt8(ascii: "]"): close()
        case UInt8(ascii: "<"): tag()
        case UInt8(ascii: "&"): entity()
        default: copy(1)
        }
    }

    private mutating func copy(_ count: Int) {
        output.append(contentsOf: input[index..<index + count])
        index += count
    }

    /// The byte at a distance from the present one; a space beyond the ends.
    private func byte(_ offset: Int) -> UInt8 {
        let at = index + offset
        return at >= input.startIndex && at < input.endIndex ? input[at] : .space
    }

    private mutating func escape() {
        if byte(1).isPunctuation {
            index += 1
            copy(1)
        } else {
            copy(1)
        }
    }

    private mutating func code() {
        let length = input[index...].prefix { $0 == UInt8(ascii: "`") }.count
        while let next = backtickRuns[length]?.last, next <= index { backtickRuns[length]?.removeLast() }
        guard let end = backtickRuns[length]?.last else { return copy(length) }
        let content = input[index + length..<end].trimmingSpace
        output.append(contentsOf: content)
        index = end + length
    }

    // MARK: - Emphasis

    private mutating func emphasis() {
        let mark = input[index]
        let count = input[index...].prefix { $0 == mark }.count
        let before = byte(-1)
        let after = byte(count)
        var canOpen = !after.isSpace
        var canClose = !before.isSpace
        if mark == UInt8(ascii: "_") {
            canOpen = canOpen && !Self.isWord(before)
            canClose = canClose && !Self.isWord(after)
        }
        let position = output.count
        copy(count)
        guard mark != UInt8(ascii: "~") || count == 2 else { return }
        let left = canClose ? count - closeEmphasis(mark, at: position, count: count) : count
        if canOpen && left > 0 {
            openEmphasis[mark, default: []].append(Run(position: position + count - left, count: left))
        }
    }

    /// Pairs marks with the latest open ones and buries both.
    ///
    /// - Returns: How many of the `count` marks were used; the used ones are the first.
    private mutating func closeEmphasis(_ mark: UInt8, at position: Int, count: Int) -> Int {
        var used = 0
        while used < count, let run = openEmphasis[mark]?.popLast() {
            let pairs = min(run.count, count - used)
            for offset in 0..<pairs {
                output[run.position + run.count - 1 - offset] = Self.tombstone
                output[position + used + offset] = Self.tombstone
            }
            used += pairs
            if run.count > pairs { openEmphasis[mark]?.append(Run(position: run.position, count: run.count - pairs)) }
        }
        return used
    }

    private static func isWord(_ byte: UInt8) -> Bool { byte.isAlphanumeric || byte >= 0x80 }

    // MARK: - Links

    private mutating func open() {
        // A footnote's mark says nothing without the page around it.
        if byte(1) == UInt8(ascii: "^"), let end = input[index...].prefix(64).firstIndex(of: UInt8(ascii: "]")) {
            index = end + 1
            return
        }
        let isImage = output.last == UInt8(ascii: "!")
        openBrackets.append(Bracket(position: output.count, isImage: isImage))
        copy(1)
    }

    private mutating func close() {
        guard let bracket = openBrackets.popLast() else { return copy(1) }
        let end: Int? =
            switch byte(1) {
            case UInt8(ascii: "("): endOfTarget(from: index + 2)
            case UInt8(ascii: "["): endOfReference(from: index + 2)
            default: nil
            }
        guard let end else { return copy(1) }
        output[bracket.position] = Self.tombstone
        if bracket.isImage { output[bracket.position - 1] = Self.tombstone }
        index = end
    }

    /// Behind the `)` that ends a link's target. Looks at a byte at most twice `maxParentheses` times in all, because every
    /// `(` behind which another search began counts here too, unless it stands in quotes for one and not for the other: and
    /// two searches that disagree about that do so to the end.
    private func endOfTarget(from start: Int) -> Int? {
        var depth = 1
        var isQuoted = false
        var at = start
        while at < input.endIndex {
            switch input[at] {
            case UInt8(ascii: "\\"): at += 1
            case UInt8(ascii: "\""): isQuoted.toggle()
            case UInt8(ascii: "(") where !isQuoted: depth += 1
            case UInt8(ascii: ")") where !isQuoted: depth -= 1
            default: break
            }
            at += 1
            if depth == 0 { return at <= input.endIndex ? at : nil }
            if depth > Self.maxParentheses { return nil }
        }
        return nil
    }

    private func endOfReference(from start: Int) -> Int? {
        guard start <= input.endIndex else { return nil }
        let label = input[start...].prefix(1000).prefix { $0 != UInt8(ascii: "]") && $0 != UInt8(ascii: "[") }
        guard label.endIndex < input.endIndex, input[label.endIndex] == UInt8(ascii: "]") else { return nil }
        return label.endIndex + 1
    }

    // MARK: - Tags and entities

    private mutating func tag() {
        let rest = input[(index + 1)...]
        if rest.starts(with: "!--".utf8) {
            guard mayEndComment, let end = input.firstRange(of: "-->", from: index + 4) else {
                mayEndComment = false
                return copy(1)
            }
            index = end.upperBound
            return
        }
        let body = rest.prefix { $0 != UInt8(ascii: "<") && $0 != UInt8(ascii: ">") }
        guard body.endIndex < input.endIndex, input[body.endIndex] == UInt8(ascii: ">") else { return copy(1) }
        if body.contains(UInt8(ascii: ":")) && !body.contains(where: \.isSpace) && body.first?.isLetter == true
            || body.contains(UInt8(ascii: "@")) && !body.contains(where: \.isSpace)
        {
            output.append(contentsOf: body)
        } else {
            let name = body.drop { $0 == UInt8(ascii: "/") }.prefix(while: \.isAlphanumeric).string.lowercased()
            guard HTMLElement(rawValue: name) != nil || HTMLElement.inline.contains(name) else { return copy(1) }
            if HTMLElement.breaksLine(name) { output.append(.newline) }
        }
        index = body.endIndex + 1
    }

    private mutating func entity() {
        guard let entity = HTMLEntities.decode(input, at: index) else { return copy(1) }
        output.append(contentsOf: entity.text)
        index = entity.end
    }
}

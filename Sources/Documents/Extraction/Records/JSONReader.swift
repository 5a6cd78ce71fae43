import Knowledge

/// Reads JSON: every leaf with its path in front. Elements of lists are records; like flat ones become a table.
struct JSONReader: TextFormatReader {
    func read(_ text: [UInt8]) throws(DocumentFailure) -> ExtractedText {
        guard !text[...].trimmingSpace.isEmpty else { throw .noText }
        var events = JSONEvents(text, in: 0..<text.count)
        var collector = RecordCollector()
        var writer = RecordWriter(joinsTables: true)
        do {
            while let event = try events.next() {
                if let record = collector.take(event) { writer.append(record) }
                guard !writer.builder.isOverLimit else { break }
            }
        } catch {
            return try asWritten(text, failure: error)
        }
        if let rest = collector.rest() { writer.append(rest) }
        return try writer.finished().finish(title: collector.title)
    }

    private func asWritten(_ text: [UInt8], failure: JSONEvents.Failure) throws(DocumentFailure) -> ExtractedText {
        var plain = try PlainTextReader(style: .code).read(text)
        let line = text[..<failure.offset].count { $0 == .newline } + 1
        plain.warnings.append("This is not JSON from line \(line) on, or nested too deeply; it was read as lines of text.")
        return plain
    }
}

/// Reads one JSON value a line.
struct JSONLinesReader: TextFormatReader {
    func read(_ text: [UInt8]) throws(DocumentFailure) -> ExtractedText {
        var writer = RecordWriter(joinsTables: false)
        var broken: [Int] = []
        for (number, line) in Lines(text).enumerated() where !text[line].trimmingSpace.isEmpty {
            guard !writer.builder.isOverLimit else { break }
            if var record = Self.record(text, line) {
                record.locator = "line \(number + 1)"
                writer.append(record)
            } else {
                broken.append(number + 1)
                writer.append(raw: text[line], locator: "line \(number + 1)")
            }
        }
        var builder = writer.finished()
        if let first = broken.first {
            builder.warnings.append("Lines that are not JSON were kept as they are: \(broken.count), the first is line \(first).")
        }
        return try builder.finish(title: nil)
    }

    private static func record(_ text: [UInt8], _ line: Range<Int>) -> Record? {
        var events = JSONEvents(text, in: line)
        var collector = RecordCollector(isWhole: true)
        do {
            while let event = try events.next() { _ = collector.take(event) }
        } catch {
            return nil
        }
        return collector.rest() ?? Record()
    }
}

/// Gathers the leaves of a JSON text into records.
struct RecordCollector {
    /// One open object or list.
    private struct Level {
        var isArray: Bool
        /// Of the next element.
        var index = 0
        /// How long the path was where it began.
        var pathLength: Int
    }

    private var levels: [Level] = []
    private var path: [UInt8] = []
    private var record = Record()
    /// At how many levels the record's own path began.
    private var recordDepth = 0
    private var recordPathLength = 0
    /// Whether the whole text is one record.
    private let isWhole: Bool
    /// The text's own name, if its outermost object has one.
    private(set) var title: String?

    /// Longer paths lose their beginning, since every leaf carries its path.
    private static let maxPathBytes = 200

    init(isWhole: Bool = false) { self.isWhole = isWhole }

    /// - Returns: A record that is complete with this event.
    mutating func take(_ event: JSONEvents.Event) -> Record? {
        switch event {
        case .beginObject, .beginArray: return begin(isArray: event == .beginArray)
        case .endObject, .endArray:
            if let level = levels.popLast() { path.removeLast(path.count - level.pathLength) }
            return endValue()
        case .key(let key):
            path.removeLast(path.count - (levels.last?.pathLength ?? 0))
            if !path.isEmpty { path.append(UInt8(ascii: ".")) }
            path += key[...].beginning(upTo: Self.maxPathBytes)
            return nil
        case .value(let value):
            beginElement()
            if levels.count == 1, title == nil, ["title", "name"].contains(path[...].string) { title = value[...].string }
            let start = min(recordPathLength, path.count)
            let own = path[start...].drop { $0 == UInt8(ascii: ".") }
            record.leaves.append(.init(path: Array(own.ending(upTo: Self.maxPathBytes)), value: value))
            if levels.count > recordDepth + 1 { record.isFlat = false }
            return endValue()
        }
    }

    /// What belongs to no finished record.
    mutating func rest() -> Record? {
        defer { record = Record() }
        return record.leaves.isEmpty ? nil : record
    }

    private mutating func begin(isArray: Bool) -> Record? {
        beginElement()
        defer { levels.append(Level(isArray: isArray, pathLength: path.count)) }
        // Elements of the outermost list, or of a list in the outermost object, are records of their own.
        let isElement = levels.last?.isArray == true && levels.count <= 2 && !isWhole
        guard isElement, levels.count == 1 || levels.first?.isArray == false else { return nil }
        let before = rest()
        record.locator = path[...].string
        recordDepth = levels.count
        recordPathLength = path.count
        return before
    }

    /// Writes the index of an element of a list to the path.
    private mutating func beginElement() {
        guard let last = levels.indices.last, levels[last].isArray else { return }
        path.removeLast(path.count - levels[last].pathLength)
        path += "[\(levels[last].index)]".utf8
        levels[last].index += 1
    }

    private mutating func endValue() -> Record? {
        guard recordDepth > 0, levels.count <= recordDepth else { return nil }
        recordDepth = 0
        recordPathLength = 0
        return rest()
    }
}

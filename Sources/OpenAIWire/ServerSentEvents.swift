// The format, from the HTML standard, "Server-sent events": UTF-8 lines ended by \n, \r\n or \r. `data: x` adds a line to
// the event, `event: x` names it, `id: x` marks the place in the stream, `:` begins a comment, an empty line ends the
// event. An event without data is none. One space after the colon does not count; other fields are ignored.

/// One event of a stream.
package struct ServerSentEvent: Hashable, Sendable {
    /// `nil` where the stream did not name it; readers then take it for `message`.
    package var name: String?
    /// The data lines joined by newlines.
    package var data: String
    /// The last id the stream gave, at this event or before.
    package var id: String?

    package init(name: String? = nil, data: String, id: String? = nil) {
        self.name = name
        self.data = data
        self.id = id
    }
}

/// A line or an event that is longer than the reader takes.
package struct ServerSentEventTooLong: Error, Hashable, Sendable {
    package var limitBytes: Int
}

/// Reads server-sent events from bytes as they come in, however they are cut.
package struct ServerSentEventParser: Sendable {
    /// How many lines have ended so far, comments and empty ones included: a sign of life of a stream that says nothing.
    package private(set) var lineCount = 0

    private let limit: Int
    private var line: [UInt8] = []
    private var data: [UInt8] = []
    private var hasData = false
    private var name: String?
    private var id: String?
    /// The last byte was \r, which ended its line; a \n that follows belongs to it.
    private var skipsLineFeed = false
    private var isFirstLine = true

    /// - Parameter maxBytes: Of a line, and of the data of one event.
    package init(maxBytes: Int) {
        limit = maxBytes
    }

    /// Takes the next bytes of the stream and appends the events that end in them.
    ///
    /// - Throws: When a line or event outgrows the limit; `events` then has what ended before. The stream is of no more use.
    package mutating func parse(
        _ bytes: [UInt8], into events: inout [ServerSentEvent]
    ) throws(ServerSentEventTooLong) {
        var rest = bytes[...]
        if skipsLineFeed, let first = rest.first {
            skipsLineFeed = false
            if first == UInt8(ascii: "\n") { rest.removeFirst() }
        }
        while let end = rest.firstIndex(where: { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }) {
            try extendLine(by: rest[..<end])
            let isCarriageReturn = rest[end] == UInt8(ascii: "\r")
            rest = rest[(end + 1)...]
            if isCarriageReturn {
                skipsLineFeed = rest.isEmpty
                if rest.first == UInt8(ascii: "\n") { rest.removeFirst() }
            }
            try endLine(into: &events)
        }
        try extendLine(by: rest)
    }

    /// Takes the end of the stream: what came of the last line and event counts, although nothing ended them.
    ///
    /// The standard drops an event that no empty line ended. Model servers are known to close right behind `[DONE]`, and
    /// an event that was cut off shows in its data.
    package mutating func finish(into events: inout [ServerSentEvent]) throws(ServerSentEventTooLong) {
        if !line.isEmpty { try endLine(into: &events) }
        endEvent(into: &events)
    }

    private mutating func extendLine(by bytes: ArraySlice<UInt8>) throws(ServerSentEventTooLong) {
        guard line.count + bytes.count <= limit else { throw ServerSentEventTooLong(limitBytes: limit) }
        line.append(contentsOf: bytes)
    }

    private mutating func endLine(into events: inout [ServerSentEvent]) throws(ServerSentEventTooLong) {
        lineCount += 1
        defer { line.removeAll(keepingCapacity: true) }
        var content = line[...]
        if isFirstLine {
            isFirstLine = false
            if content.starts(with: [0xEF, 0xBB, 0xBF]) { content = content.dropFirst(3) }  // a byte order mark
        }
        if content.isEmpty {
            endEvent(into: &events)
        } else {
            try takeField(content)
        }
    }

    private mutating func takeField(_ line: ArraySlice<UInt8>) throws(ServerSentEventTooLong) {
        let colon = line.firstIndex(of: UInt8(ascii: ":")) ?? line.endIndex
        var value = line[colon...].dropFirst()
        if value.first == UInt8(ascii: " ") { value.removeFirst() }
        switch String(decoding: line[..<colon], as: UTF8.self) {
        case "data":
            guard data.count + value.count < limit else { throw ServerSentEventTooLong(limitBytes: limit) }
            if hasData { data.append(UInt8(ascii: "\n")) }
            data.append(contentsOf: value)
            hasData = true
        case "event":
            name = String(decoding: value, as: UTF8.self)
        case "id" where !value.contains(0):
            id = String(decoding: value, as: UTF8.self)
        default:
            break
        }
    }

    private mutating func endEvent(into events: inout [ServerSentEvent]) {
        if hasData {
            let isNamed = name?.isEmpty == false
            events.append(
                ServerSentEvent(name: isNamed ? name : nil, data: String(decoding: data, as: UTF8.self), id: id))
        }
        data.removeAll(keepingCapacity: true)
        hasData = false
        name = nil
    }
}

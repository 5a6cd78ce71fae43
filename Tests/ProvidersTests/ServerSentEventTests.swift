import OpenAIWire
import Testing

@Suite("A stream of server-sent events gives")
struct ServerSentEventTests {
    /// All bytes of a stream, cut into these pieces.
    private func parse(_ pieces: [[UInt8]], limit: Int = 1_000) throws -> [ServerSentEvent] {
        var parser = ServerSentEventParser(maxBytes: limit)
        var events: [ServerSentEvent] = []
        for piece in pieces { try parser.parse(piece, into: &events) }
        try parser.finish(into: &events)
        return events
    }

    private func parse(_ text: String) throws -> [ServerSentEvent] { try parse([Array(text.utf8)]) }

    @Test(
        "what the standard says",
        arguments: [
            ("data: a\n\n", [ServerSentEvent(data: "a")]),
            ("data:a\r\ndata: b\r\n\r\n", [ServerSentEvent(data: "a\nb")]),
            ("data\n\ndata\ndata\n\n", [ServerSentEvent(data: ""), ServerSentEvent(data: "\n")]),
            (": comment\nevent: x\ndata:  two spaces\r\r", [ServerSentEvent(name: "x", data: " two spaces")]),
            (
                "id: 1\ndata: a\n\ndata: b\n\n",
                [ServerSentEvent(data: "a", id: "1"), ServerSentEvent(data: "b", id: "1")]
            ),
            ("event: dropped\n\ndata: a\n\n", [ServerSentEvent(data: "a")]),
            ("\u{FEFF}data: a\nretry: 5\nunknown: x\n\n", [ServerSentEvent(data: "a")]),
            ("id: a\0b\ndata: a\n\n", [ServerSentEvent(data: "a")]),
            ("data: a\n", [ServerSentEvent(data: "a")]),
            ("data: [DONE]", [ServerSentEvent(data: "[DONE]")]),
            (":\n\n\n", []), ("", []),
        ])
    func follows(text: String, events: [ServerSentEvent]) throws {
        #expect(try parse(text) == events)
    }

    @Test("the same events however it is cut", arguments: 1...200)
    func cuts(seed: UInt64) throws {
        var random = SplitMix(state: seed)
        let words = [
            "data: ", "data", ":", " ", "\n", "\r", "\r\n", "\n\n", "\r\n\r\n", "ü", "🐸", "event: e\n", "id: 1\n", "x",
        ]
        let bytes = (0..<60).flatMap { _ in Array(words.randomElement(using: &random)?.utf8 ?? "".utf8) }
        var pieces: [[UInt8]] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            pieces.append(Array(rest.prefix(Int.random(in: 0...5, using: &random))))
            rest = rest.dropFirst(pieces.last?.count ?? 0)
        }
        let whole = try parse([bytes])
        #expect(try parse(pieces) == whole)
        #expect(try parse(bytes.map { [$0] }) == whole)
    }

    @Test("an error for a line or an event beyond the limit, behind the events before it")
    func limits() throws {
        let long = String(repeating: "x", count: 50)
        for text in ["data: a\n\ndata: \(long)", "data: a\n\n" + String(repeating: "data: 123456789\n", count: 9)] {
            var parser = ServerSentEventParser(maxBytes: 40)
            var events: [ServerSentEvent] = []
            #expect(throws: ServerSentEventTooLong.self) {
                try parser.parse(Array(text.utf8), into: &events)
            }
            #expect(events == [ServerSentEvent(data: "a")])
        }
        let comments = Array(String(repeating: ": comment\n", count: 100).utf8)
        #expect(try parse([comments, Array("data: \n\n".utf8)], limit: 40) == [ServerSentEvent(data: "")])
    }

    @Test("signs of life with every line, comments included")
    func lines() throws {
        var parser = ServerSentEventParser(maxBytes: 40)
        var events: [ServerSentEvent] = []
        try parser.parse(Array(": a\r\n: b\n: c".utf8), into: &events)
        #expect(parser.lineCount == 2)
        #expect(events.isEmpty)
    }
}

/// Vigna's SplitMix64: the same numbers for the same seed everywhere.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

@testable import Documents
import Foundation
import Knowledge
import Testing

@Suite("A program")
struct ToolTests {
    private func run(
        _ name: String, _ arguments: [String] = [], input: [UInt8] = [], maxOutputBytes: Int = 1 << 26, within time: Duration = .seconds(60)
    ) throws -> Tool.Answer {
        let tool = try #require(Tool(named: name))
        return try tool.run(arguments, input: input, maxOutputBytes: maxOutputBytes, until: .now + time)
    }

    @Test("gets all of its input and gives all of its output, of any size", arguments: [0, 1, 65_536, 5_000_000])
    func everything(size: Int) throws {
        let input = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 9) }
        let answer = try run("cat", input: input)
        #expect(answer.output == input && answer.status == 0 && answer.messages.isEmpty)
    }

    @Test("that ignores its input, or closes it, does not end this process")
    func deaf() throws {
        #expect(try run("true", input: [UInt8](repeating: 1, count: 3_000_000)).status == 0)
        #expect(try run("head", ["-c", "5"], input: [UInt8](repeating: 65, count: 3_000_000)).output == Array("AAAAA".utf8))
    }

    @Test("says what went wrong, but not without end")
    func messages() throws {
        let answer = try run("ls", (0..<500).map { "/no such place \($0)" })
        #expect(answer.status == 2 && answer.messages.contains("no such place 0"))
        #expect(answer.messages.utf8.count <= 4096 && answer.output.isEmpty)
    }

    @Test("that takes too long or says too much is ended, and so is what it started")
    func limits() throws {
        #expect(throws: DocumentFailure.readingTimedOut) { try run("sleep", ["1000"], within: .milliseconds(50)) }
        #expect(throws: DocumentFailure.tooMuchText) { try run("yes", maxOutputBytes: 1_000_000) }
        let name = "almanac\(UInt64.random(in: 0...UInt64.max))"
        #expect(throws: DocumentFailure.self) {
            try run("sh", ["-c", "sleep 1000 & sh -c 'sleep 1000' \(name) & wait"], within: .milliseconds(200))
        }
        let processes = try run("ps", ["-eo", "args"])
        #expect(!String(decoding: processes.output, as: UTF8.self).contains("' \(name)"))
    }

    @Test("inherits nothing: no environment, no open file, no blocked signal")
    func inheritance() throws {
        let environment = try String(decoding: run("env").output, as: UTF8.self).split(separator: "\n").sorted()
        #expect(environment == ["LANG=C.UTF-8", "OMP_THREAD_LIMIT=1", "PATH=/usr/local/bin:/usr/bin:/bin"])
        // A descriptor that nobody marked to be closed.
        let leaking = open("/dev/null", O_RDONLY)
        defer { close(leaking) }
        let files = try String(decoding: run("ls", ["/proc/self/fd"]).output, as: UTF8.self).split(separator: "\n")
        // Not by their number: another test may open one without the mark at this very moment.
        #expect(!files.contains("\(leaking)"))
        let status = try String(decoding: run("cat", ["/proc/self/status"]).output, as: UTF8.self)
        #expect(status.contains("SigBlk:\t0000000000000000"))
    }

    @Test("is one of many that run at once, and none waits for another's pipes")
    func many() async throws {
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 0..<24 {
                group.addTask { try run("cat", input: [UInt8](repeating: UInt8(number), count: 300_000)).output.allSatisfy { $0 == number } }
            }
            for try await isWhole in group { #expect(isWhole) }
        }
    }

    @Test("that is not installed is nil")
    func missing() {
        #expect(Tool(named: "no-such-program-here") == nil)
    }
}

@Suite("What poppler prints")
struct LayoutScannerTests {
    private let layout = """
        <title>a</title><doc> <page width="200.0" height="100"><flow><block xMin="1"><line xMin="1">
        <word xMin="10.5" yMin="20" xMax="30" yMax="32">ef\u{FB01}cient</word><word xMin="40" yMin="20" xMax="60.25" yMax="32">a&lt;b &amp;c</word>
        </line></block></flow></page><page width="1e9" height="nan"></page></doc>
        """

    @Test("becomes pages, lines and words, in letters instead of ligatures")
    func layoutIsRead() throws {
        let pages = LayoutScanner.pages(in: Array(layout.utf8), firstPage: 7)
        #expect(pages.map(\.number) == [7, 8] && pages.map(\.lines.count) == [1, 0])
        let words = try #require(pages.first?.lines.first?.words)
        #expect(words.map(\.text) == ["efficient", "a<b &c"])
        #expect(words[1].box == Box(left: 40, top: 20, right: 60.25, bottom: 32))
    }

    @Test("and is cut off or damaged still gives pages")
    func damage() {
        var generator = TextGenerator(seed: 9)
        let styles = "<page number=\"1\"><fontspec id=\"0\" size=\"30\"/><text top=\"1\" left=\"2\" width=\"9\" height=\"4\" font=\"0\"><b>a</b></text></page>"
        for source in [layout, styles].map({ Array($0.utf8) }) {
            for round in 0..<400 {
                var bytes = source
                if round % 2 == 0 { bytes = Array(bytes.prefix(generator.number(bytes.count))) }
                for _ in 0..<generator.number(6) where !bytes.isEmpty { bytes[generator.number(bytes.count)] = UInt8(generator.number(256)) }
                var pages = LayoutScanner.pages(in: bytes, firstPage: 1)
                let found = TypeStyles(bytes)
                for index in pages.indices {
                    found.apply(to: &pages[index])
                    _ = PagePiece.pieces(of: pages[index])
                }
                _ = Recognition.pages(in: bytes, scale: 1)
            }
        }
    }
}

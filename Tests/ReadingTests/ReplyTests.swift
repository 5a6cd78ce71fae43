import Documents
import Foundation
import Knowledge
import Testing

@testable import Reading

@Suite("What a reader answers")
struct ReplyTests {
    /// A text with one of everything.
    private static let text: ExtractedText = {
        let content = "Überschrift\n\nZeile eins\n\na | b\n1 | 2\n\nlet x = 1\n\n— 3 —"
        let kinds: [ExtractedText.Block.Kind] = [.heading(level: 2), .paragraph, .table, .code, .furniture]
        var blocks: [ExtractedText.Block] = []
        var start = 0
        for (index, part) in content.components(separatedBy: "\n\n").enumerated() {
            blocks.append(
                .init(
                    kind: kinds[index], bytes: start..<start + part.utf8.count, page: index == 0 ? nil : index,
                    locator: index.isMultiple(of: 2) ? nil : "slide \(index / 3)"))
            start += part.utf8.count + 2
        }
        var text = ExtractedText(
            text: content, blocks: blocks, title: "Titel", warnings: ["Guessed."], keepsSourceLines: true)
        text.quality.pages = 3
        text.quality.pagesWithoutText = [2]
        text.quality.recognisedPages = [3]
        text.quality.recognitionConfidence = 0.5
        text.quality.unreadableShare = 0.25
        text.quality.tables = 1
        return text
    }()

    private static func bytes(_ reply: Reply) throws -> [UInt8] {
        var bytes: [UInt8] = []
        try reply.write { bytes += $0 }
        return bytes
    }

    private static func read(_ bytes: [UInt8]) throws(BadReply) -> Reply {
        try Reply(checking: bytes, maxTextBytes: 1 << 20)
    }

    /// The same body with a right checksum, so that what is behind it is looked at.
    private static func sealed(_ bytes: [UInt8]) -> [UInt8] {
        guard bytes.count >= Reply.prefixLength else { return bytes }
        var reader = ByteReader(bytes[8...])
        let body = (try? reader.number(UInt64.self)).map { Int(clamping: $0) } ?? 0
        let rest = bytes[Reply.prefixLength...]
        var checksum = Checksum()
        checksum.add(rest.prefix(body))
        checksum.add(rest.dropFirst(body))
        return bytes[..<24] + withUnsafeBytes(of: checksum.value.littleEndian) { Array($0) } + rest
    }

    /// Whether anything downstream may rely on the text.
    private static func isSound(_ text: ExtractedText) -> Bool {
        var end = 0
        for block in text.blocks {
            guard end <= block.bytes.lowerBound, !block.bytes.isEmpty, block.bytes.upperBound <= text.text.utf8.count
            else {
                return false
            }
            let bytes = Array(text.text.utf8)[block.bytes]
            guard String(validating: bytes, as: UTF8.self) != nil, (1...6).contains(block.headingLevel ?? 1) else {
                return false
            }
            end = block.bytes.upperBound
        }
        return true
    }

    @Test("comes over with its text whole, however much it says about itself")
    func fits() throws {
        let count = 1_200_000
        var text = ExtractedText(text: String(repeating: "a", count: count), blocks: [])
        text.blocks = (0..<count).map {
            .init(kind: .paragraph, bytes: $0..<$0 + 1, page: 2_000_000, locator: "line \($0)")
        }
        text.blocks[0].locator = String(repeating: "ä", count: 9_000)
        text.warnings = (0..<1_001).map { "\($0) " + String(repeating: "w", count: 9_000) }
        text.title = String(repeating: "t", count: 9_000)
        let bytes = try Self.bytes(Reply(fitting: text))
        #expect(bytes.count < Reply.maxBytes)
        guard case .text(let read) = try Reply(checking: bytes, maxTextBytes: 64 << 20) else {
            throw BadReply("no text")
        }
        #expect(read.text == text.text && read.blocks.count == count)
        #expect(read.warnings.count == 101 && read.warnings.last == "And 901 more.")
        #expect(read.blocks[0].locator?.hasPrefix("ää") == true && read.blocks[1].locator == "line 1")
        let long = DocumentFailure(.unreadable, String(repeating: "x", count: 9_000))
        guard case .failure(let failure) = try Self.read(Self.bytes(Reply(fitting: long))) else {
            throw BadReply("no failure")
        }
        #expect(failure.message.hasPrefix("xxx") && failure.reason == .unreadable)
    }

    @Test("comes over whole, whatever it holds")
    func roundTrip() throws {
        let failure = DocumentFailure(.encrypted, "Ein Kennwort steht davor.")
        guard case .text(let text) = try Self.read(Self.bytes(.text(Self.text))) else { throw BadReply("no text") }
        #expect(text == Self.text)
        guard case .failure(let other) = try Self.read(Self.bytes(.failure(failure))) else {
            throw BadReply("no failure")
        }
        #expect(other == failure)
    }

    @Test("is refused when a byte of it is missing, changed or too many")
    func damage() throws {
        let bytes = try Self.bytes(.text(Self.text))
        for index in bytes.indices {
            var changed = bytes
            changed[index] ^= 1 << UInt8(index % 8)
            #expect(throws: BadReply.self) { try Self.read(changed) }
            #expect(throws: BadReply.self) { try Self.read(Array(bytes[..<index])) }
        }
        #expect(throws: BadReply.self) { try Self.read(bytes + [0]) }
    }

    @Test("is sound or refused, however it was made up")
    func hostile() throws {
        var random = SplitMix(state: 7)
        let seeds = [try Self.bytes(.text(Self.text)), try Self.bytes(.failure(.init(.empty, "Nothing.")))]
        for turn in 0..<4_000 {
            var bytes = seeds[turn % 8 == 0 ? 1 : 0]
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let index = Int.random(in: bytes.indices, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes[index] = .random(in: 0...255, using: &random)
                case 1: bytes[index] = [0, 1, 0x7F, 0x80, 0xFF].randomElement(using: &random) ?? 0
                case 2: bytes.insert(.random(in: 0...255, using: &random), at: index)
                default: bytes.remove(at: index)
                }
            }
            guard let reply = try? Self.read(Self.sealed(bytes)) else { continue }
            if case .text(let text) = reply { #expect(Self.isSound(text)) }
        }
    }

    @Test("says how long it is before it is there, or that it is nothing of ours")
    func length() throws {
        let bytes = try Self.bytes(.text(Self.text))
        #expect(Reply.length(bytes[..<Reply.prefixLength]) == bytes.count)
        #expect(Reply.length(Array("HTTP/1.1 200 OK\r\nServer: nobody\r\n".utf8).prefix(Reply.prefixLength)) == nil)
        var huge = bytes
        for index in 8..<24 { huge[index] = 0xFF }
        #expect(Reply.length(huge[..<Reply.prefixLength]) == nil)
    }

    @Test(
        "is refused when a block lies outside of the text, over another, within a character, or is none",
        arguments: [0..<0, 0..<1, 0..<15, 9..<400])
    func blocks(_ range: Range<Int>) throws {
        var text = Self.text
        text.blocks[0].bytes = range
        #expect(throws: BadReply.self) { try Self.read(Self.bytes(.text(text))) }
        var twice = Self.text
        twice.blocks.insert(twice.blocks[1], at: 0)
        #expect(throws: BadReply.self) { try Self.read(Self.bytes(.text(twice))) }
    }

    @Test("is refused with figures or characters that no document has")
    func figures() throws {
        let changes: [(inout ExtractedText) -> Void] = [
            { $0.quality.unreadableShare = 1.5 }, { $0.quality.recognitionConfidence = -1 }, { $0.quality.pages = -1 },
            { $0.quality.recognisedPages = [0] }, { $0.title = String(repeating: "t", count: 5_000) },
            { $0.warnings = Array(repeating: "w", count: 2_000) },
            { $0.text = $0.text.replacingOccurrences(of: "a", with: "\u{1}") },
        ]
        for change in changes {
            var text = Self.text
            change(&text)
            #expect(throws: BadReply.self) { try Self.read(Self.bytes(.text(text))) }
        }
    }
}

/// A small generator with a seed, so that a failure comes again (Steele, Lea, Flood 2014).
private struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

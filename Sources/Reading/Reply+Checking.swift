import Documents
import Foundation
import Knowledge

/// A reply that no sound reader gives. Says what is wrong with it, never what is in it.
struct BadReply: Error {
    var trouble: String
    init(_ trouble: String) { self.trouble = trouble }
}

/// The child that replies has read hostile bytes and may be theirs by now. What it says is checked as if a client had sent it.
extension Reply {
    static let maxLocators = 1_000_000
    static let maxLocatorBytes = 4_096
    static let maxPages = 1_000_000
    static let maxWarnings = 1_000
    static let maxSentenceBytes = 4_096

    /// How long the whole reply is, nil where its beginning is none.
    static func length(_ prefix: ArraySlice<UInt8>) -> Int? {
        guard let (_, body, text) = try? lengths(prefix) else { return nil }
        return prefixLength + body + text
    }

    init(checking bytes: [UInt8], maxTextBytes: Int) throws(BadReply) {
        do {
            self = try Self.read(bytes, maxTextBytes)
        } catch let bad as BadReply {
            throw bad
        } catch is ByteReader.Shortage {
            throw BadReply("it ends too soon")
        } catch {
            throw BadReply("its JSON is not as it should be")
        }
    }

    private static func lengths(_ bytes: ArraySlice<UInt8>) throws -> (mark: ArraySlice<UInt8>, body: Int, text: Int) {
        var reader = ByteReader(bytes)
        let mark = try reader.take(textMark.count)
        let body = try reader.number(UInt64.self)
        let text = try reader.number(UInt64.self)
        guard mark == textMark[...] || mark == failureMark[...], body < 1 << 40, text < 1 << 40 else {
            throw BadReply("its beginning is not that of a reply")
        }
        return (mark, Int(body), Int(text))
    }

    private static func read(_ bytes: [UInt8], _ maxTextBytes: Int) throws -> Reply {
        let (mark, bodyLength, textLength) = try lengths(bytes[...])
        guard textLength <= maxTextBytes else { throw BadReply("it has more text than a document may have") }
        var reader = ByteReader(bytes.dropFirst(textMark.count + 16))
        let expected = try reader.number(UInt64.self)
        let body = try reader.take(bodyLength)
        let text = try reader.take(textLength)
        guard reader.remaining == 0 else { throw BadReply("it is longer than it says") }
        var checksum = Checksum()
        checksum.add(body)
        checksum.add(text)
        guard checksum.value == expected else { throw BadReply("its checksum is wrong") }
        return try mark == textMark[...] ? .text(readText(body, text)) : .failure(readFailure(body))
    }

    private static func readFailure(_ body: ArraySlice<UInt8>) throws -> DocumentFailure {
        var reader = ByteReader(body)
        let failure = try JSONDecoder().decode(DocumentFailure.self, from: Data(reader.counted()))
        guard failure.message.utf8.count <= maxSentenceBytes else { throw BadReply("its failure is too long") }
        return failure
    }

    private static func readText(_ body: ArraySlice<UInt8>, _ bytes: ArraySlice<UInt8>) throws -> ExtractedText {
        var reader = ByteReader(body)
        var text = try JSONDecoder().decode(ExtractedText.self, from: Data(reader.counted()))
        guard text.text.isEmpty, text.blocks.isEmpty else { throw BadReply("its head is not as it should be") }
        try check(text)
        try check(control: bytes)
        guard let content = String(validating: bytes, as: UTF8.self) else { throw BadReply("its text is not UTF-8") }
        text.text = content
        text.blocks = try readBlocks(&reader, bytes)
        guard reader.remaining == 0 else { throw BadReply("its body is longer than it says") }
        return text
    }

    private static func check(_ head: ExtractedText) throws {
        let quality = head.quality
        let shares = [quality.recognitionConfidence ?? 0, quality.unreadableShare]
        guard (head.title ?? "").utf8.count <= maxSentenceBytes, head.warnings.count <= maxWarnings,
            head.warnings.allSatisfy({ $0.utf8.count <= maxSentenceBytes })
        else { throw BadReply("its title or its warnings are too long") }
        guard shares.allSatisfy((0...1).contains), (0...maxPages).contains(quality.pages ?? 0),
            (0...Int(Int32.max)).contains(quality.tables), quality.pagesWithoutText.count <= maxPages,
            quality.recognisedPages.count <= maxPages,
            (quality.pagesWithoutText + quality.recognisedPages).allSatisfy((1...maxPages).contains)
        else { throw BadReply("its figures are out of range") }
    }

    private static func check(control bytes: ArraySlice<UInt8>) throws {
        guard bytes.allSatisfy({ ($0 >= 0x20 && $0 != 0x7F) || $0 == 0x09 || $0 == 0x0A }) else {
            throw BadReply("its text has control characters")
        }
    }

    private static func readBlocks(
        _ reader: inout ByteReader, _ text: ArraySlice<UInt8>
    ) throws -> [ExtractedText.Block] {
        let locators = try readLocators(&reader)
        let count = Int(try reader.number(UInt32.self))
        // Each takes at least one byte of the text.
        guard count <= reader.remaining / blockBytes, count <= text.count else { throw BadReply("it has too many blocks") }
        var blocks: [ExtractedText.Block] = []
        blocks.reserveCapacity(count)
        for _ in 0..<count {
            blocks.append(try readBlock(&reader, text, after: blocks.last?.bytes.upperBound ?? 0, locators))
        }
        return blocks
    }

    private static func readLocators(_ reader: inout ByteReader) throws -> [String] {
        let count = Int(try reader.number(UInt32.self))
        guard count <= maxLocators, count <= reader.remaining / 4 else { throw BadReply("it has too many locators") }
        var locators: [String] = []
        for _ in 0..<count {
            let bytes = try reader.counted()
            guard bytes.count <= maxLocatorBytes, let locator = String(validating: bytes, as: UTF8.self) else {
                throw BadReply("a locator is too long or not UTF-8")
            }
            locators.append(locator)
        }
        return locators
    }

    private static func readBlock(
        _ reader: inout ByteReader, _ text: ArraySlice<UInt8>, after end: Int, _ locators: [String]
    ) throws -> ExtractedText.Block {
        let kind = ExtractedText.Block.Kind(code: try reader.number(), level: try reader.number())
        let empty = try reader.number(UInt16.self)
        let page = Int(try reader.number(UInt32.self))
        let locator = Int(try reader.number(UInt32.self))
        let lower = Int(try reader.number(UInt32.self))
        let upper = Int(try reader.number(UInt32.self))
        guard let kind, empty == 0, page <= maxPages, locator <= locators.count else {
            throw BadReply("a block is not as it should be")
        }
        guard end <= lower, lower < upper, upper <= text.count, isBorder(lower, text), isBorder(upper, text) else {
            throw BadReply("a block is not where one can be")
        }
        return ExtractedText.Block(
            kind: kind, bytes: lower..<upper, page: page == 0 ? nil : page,
            locator: locator == 0 ? nil : locators[locator - 1])
    }

    /// Whether a character begins at the offset, or the text ends.
    private static func isBorder(_ offset: Int, _ text: ArraySlice<UInt8>) -> Bool {
        offset == text.count || text[text.startIndex + offset] & 0xC0 != 0x80
    }
}

import Foundation

/// All of an extracted text but the text itself, as bytes: blocks, title, warnings, figures.
///
/// ```
/// head, JSON with a count of 4 bytes: everything but text and blocks
/// count of locators (4), each with a count (4)
/// count of blocks (4), each: kind (1), level (1), 2 empty, page (4, 0 for none), locator (4, 0 for none, else from 1),
///                            start (4), end (4)
/// ```
/// Blocks are not JSON because of their number: a large file has a million.
package enum Layout {
    package static let maxLocators = 1_000_000
    package static let maxLocatorBytes = 4_096
    package static let maxPages = 1_000_000
    package static let maxWarnings = 1_000
    package static let maxSentenceBytes = 4_096
    package static let blockBytes = 20

    /// Bytes that are no layout of the text. Says what is wrong with them, never what is in them.
    package struct Damage: Error {
        package var trouble: String
        init(_ trouble: String) { self.trouble = trouble }
    }
}

extension ExtractedText {
    package func layout() throws -> [UInt8] {
        var bytes = ByteWriter()
        var head = self
        head.text = ""
        head.blocks = []
        try bytes.append(counted: JSONEncoder().encode(head))
        var numbers: [String: UInt32] = [:]
        var locators: [String] = []
        for case let locator? in blocks.lazy.map(\.locator) where numbers[locator] == nil {
            locators.append(locator)
            numbers[locator] = UInt32(locators.count)
        }
        bytes.append(UInt32(locators.count))
        for locator in locators { bytes.append(counted: locator.utf8) }
        bytes.append(UInt32(blocks.count))
        for block in blocks {
            let (kind, level) = block.kind.code
            bytes.append(kind)
            bytes.append(level)
            bytes.append(UInt16(0))
            bytes.append(UInt32(clamping: block.page ?? 0))
            bytes.append(block.locator.flatMap { numbers[$0] } ?? 0)
            bytes.append(UInt32(clamping: block.bytes.lowerBound))
            bytes.append(UInt32(clamping: block.bytes.upperBound))
        }
        return bytes.bytes
    }

    /// A text and its layout together again, checked as if they came from a stranger.
    ///
    /// - Throws: `Layout.Damage`.
    package init(_ text: String, layout: some Collection<UInt8>) throws(Layout.Damage) {
        do {
            var text = text
            self = try text.withUTF8 { try Self.read(ArraySlice(layout), Array($0)[...]) }
            self.text = text
        } catch let damage as Layout.Damage {
            throw damage
        } catch is ByteReader.Shortage {
            throw Layout.Damage("it ends too soon")
        } catch {
            throw Layout.Damage("its JSON is not as it should be")
        }
    }

    /// A text of which nothing is known but that blank lines part its paragraphs.
    package init(paragraphsOf text: String, title: String?) {
        self.init(text: text, blocks: [], title: title)
        let bytes = Array(text.utf8)
        var start: Int?
        var end = 0
        for (offset, byte) in bytes.enumerated() {
            let isBlank = byte == 0x20 || byte == 0x09 || byte == 0x0A
            if isBlank { continue }
            if let begun = start, bytes[end..<offset].count(where: { $0 == 0x0A }) > 1 {
                blocks.append(Block(kind: .paragraph, bytes: begun..<end))
                start = offset
            }
            start = start ?? offset
            end = offset + 1
        }
        if let start { blocks.append(Block(kind: .paragraph, bytes: start..<end)) }
    }

    private static func read(_ layout: ArraySlice<UInt8>, _ text: ArraySlice<UInt8>) throws -> ExtractedText {
        var reader = ByteReader(layout)
        var result = try JSONDecoder().decode(ExtractedText.self, from: Data(reader.counted()))
        guard result.text.isEmpty, result.blocks.isEmpty else { throw Layout.Damage("its head is not as it should be") }
        try check(result)
        result.blocks = try readBlocks(&reader, text)
        guard reader.remaining == 0 else { throw Layout.Damage("its body is longer than it says") }
        return result
    }

    private static func check(_ head: ExtractedText) throws {
        let quality = head.quality
        let shares = [quality.recognitionConfidence ?? 0, quality.unreadableShare]
        guard (head.title ?? "").utf8.count <= Layout.maxSentenceBytes, head.warnings.count <= Layout.maxWarnings,
            head.warnings.allSatisfy({ $0.utf8.count <= Layout.maxSentenceBytes })
        else { throw Layout.Damage("its title or its warnings are too long") }
        guard shares.allSatisfy((0...1).contains), (0...Layout.maxPages).contains(quality.pages ?? 0),
            (0...Int(Int32.max)).contains(quality.tables), quality.pagesWithoutText.count <= Layout.maxPages,
            quality.recognisedPages.count <= Layout.maxPages,
            (quality.pagesWithoutText + quality.recognisedPages).allSatisfy((1...Layout.maxPages).contains)
        else { throw Layout.Damage("its figures are out of range") }
    }

    private static func readBlocks(_ reader: inout ByteReader, _ text: ArraySlice<UInt8>) throws -> [Block] {
        let locators = try readLocators(&reader)
        let count = Int(try reader.number(UInt32.self))
        // Each takes at least one byte of the text.
        guard count <= reader.remaining / Layout.blockBytes, count <= text.count else {
            throw Layout.Damage("it has too many blocks")
        }
        var blocks: [Block] = []
        blocks.reserveCapacity(count)
        for _ in 0..<count {
            blocks.append(try readBlock(&reader, text, after: blocks.last?.bytes.upperBound ?? 0, locators))
        }
        return blocks
    }

    private static func readLocators(_ reader: inout ByteReader) throws -> [String] {
        let count = Int(try reader.number(UInt32.self))
        guard count <= Layout.maxLocators, count <= reader.remaining / 4 else {
            throw Layout.Damage("it has too many locators")
        }
        var locators: [String] = []
        for _ in 0..<count {
            let bytes = try reader.counted()
            guard bytes.count <= Layout.maxLocatorBytes, let locator = String(validating: bytes, as: UTF8.self) else {
                throw Layout.Damage("a locator is too long or not UTF-8")
            }
            locators.append(locator)
        }
        return locators
    }

    private static func readBlock(
        _ reader: inout ByteReader, _ text: ArraySlice<UInt8>, after end: Int, _ locators: [String]
    ) throws -> Block {
        let kind = Block.Kind(code: try reader.number(), level: try reader.number())
        let empty = try reader.number(UInt16.self)
        let page = Int(try reader.number(UInt32.self))
        let locator = Int(try reader.number(UInt32.self))
        let lower = Int(try reader.number(UInt32.self))
        let upper = Int(try reader.number(UInt32.self))
        guard let kind, empty == 0, page <= Layout.maxPages, locator <= locators.count else {
            throw Layout.Damage("a block is not as it should be")
        }
        guard end <= lower, lower < upper, upper <= text.count, isBorder(lower, text), isBorder(upper, text) else {
            throw Layout.Damage("a block is not where one can be")
        }
        return Block(
            kind: kind, bytes: lower..<upper, page: page == 0 ? nil : page,
            locator: locator == 0 ? nil : locators[locator - 1])
    }

    /// Whether a character begins at the offset, or the text ends.
    private static func isBorder(_ offset: Int, _ text: ArraySlice<UInt8>) -> Bool {
        offset == text.count || text[text.startIndex + offset] & 0xC0 != 0x80
    }
}

extension ExtractedText.Block.Kind {
    /// A number for the kind, and the level of a heading.
    fileprivate var code: (UInt8, UInt8) {
        switch self {
        case .heading(let level): (0, UInt8(clamping: level))
        case .paragraph: (1, 0)
        case .listItem: (2, 0)
        case .quote: (3, 0)
        case .table: (4, 0)
        case .code: (5, 0)
        case .note: (6, 0)
        case .furniture: (7, 0)
        }
    }

    /// - Returns: nil for a number that stands for nothing.
    fileprivate init?(code: UInt8, level: UInt8) {
        switch (code, level) {
        case (0, 1...6): self = .heading(level: Int(level))
        case (1, 0): self = .paragraph
        case (2, 0): self = .listItem
        case (3, 0): self = .quote
        case (4, 0): self = .table
        case (5, 0): self = .code
        case (6, 0): self = .note
        case (7, 0): self = .furniture
        default: return nil
        }
    }
}

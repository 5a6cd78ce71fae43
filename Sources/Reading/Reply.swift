import Documents
import Foundation
import Knowledge

/// What the child answers, once: the text of the document, or why there is none.
///
/// ```
/// 8  "alm-text" or "alm-fail"
/// 8  length of the body, 8  length of the text, 8  checksum of body and text
///    body · text, UTF-8
///
/// body of a text:     head, JSON with a count of 4 bytes: everything but text and blocks
///                     count of locators (4), each with a count (4)
///                     count of blocks (4), each: kind (1), level (1), 2 empty, page (4, 0 for none), locator (4, 0 for
///                     none, else from 1), start (4), end (4)
/// body of a failure:  JSON
/// ```
/// Text and blocks are not JSON because of their number: a large file has a million blocks.
enum Reply {
    case text(ExtractedText)
    case failure(DocumentFailure)

    /// The longest that is listened to.
    static let maxBytes = 128 << 20
    static let prefixLength = 32
    static let blockBytes = 20
    /// Room for all but text and blocks, locators above all.
    static let maxOtherBytes = 32 << 20
    static let textMark = Array("alm-text".utf8)
    static let failureMark = Array("alm-fail".utf8)

    /// Hands over the parts in the order in which they are to be written.
    func write(_ emit: ([UInt8]) throws -> Void) throws {
        var body = ByteWriter()
        var text: [UInt8] = []
        switch self {
        case .text(let extracted):
            try Self.describe(extracted, &body)
            text = Array(extracted.text.utf8)
        case .failure(let failure):
            try body.append(counted: JSONEncoder().encode(failure))
        }
        var checksum = Checksum()
        checksum.add(body.bytes)
        checksum.add(text)
        var prefix = ByteWriter()
        for byte in isText ? Self.textMark : Self.failureMark { prefix.append(byte) }
        prefix.append(UInt64(body.bytes.count))
        prefix.append(UInt64(text.count))
        prefix.append(checksum.value)
        try emit(prefix.bytes)
        try emit(body.bytes)
        try emit(text)
    }

    private var isText: Bool {
        if case .text = self { true } else { false }
    }

    private static func describe(_ text: ExtractedText, _ body: inout ByteWriter) throws {
        var head = text
        head.text = ""
        head.blocks = []
        try body.append(counted: JSONEncoder().encode(head))
        var numbers: [String: UInt32] = [:]
        var locators: [String] = []
        for case let locator? in text.blocks.lazy.map(\.locator) where numbers[locator] == nil {
            locators.append(locator)
            numbers[locator] = UInt32(locators.count)
        }
        body.append(UInt32(locators.count))
        for locator in locators { body.append(counted: locator.utf8) }
        body.append(UInt32(text.blocks.count))
        for block in text.blocks {
            let (kind, level) = block.kind.code
            body.append(kind)
            body.append(level)
            body.append(UInt16(0))
            body.append(UInt32(clamping: block.page ?? 0))
            body.append(block.locator.flatMap { numbers[$0] } ?? 0)
            body.append(UInt32(clamping: block.bytes.lowerBound))
            body.append(UInt32(clamping: block.bytes.upperBound))
        }
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
    init?(code: UInt8, level: UInt8) {
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

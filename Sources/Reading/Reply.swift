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
/// body of a text:     its `Layout`
/// body of a failure:  JSON with a count of 4 bytes
/// ```
enum Reply {
    case text(ExtractedText)
    case failure(DocumentFailure)

    /// The longest that is listened to.
    static let maxBytes = 128 << 20
    static let prefixLength = 32
    /// Room for all but text and blocks, locators above all.
    static let maxOtherBytes = 32 << 20
    static let textMark = Array("alm-text".utf8)
    static let failureMark = Array("alm-fail".utf8)

    /// Hands over the parts in the order in which they are to be written.
    func write(_ emit: ([UInt8]) throws -> Void) throws {
        let body: [UInt8]
        var text: [UInt8] = []
        switch self {
        case .text(let extracted):
            body = try extracted.layout()
            text = Array(extracted.text.utf8)
        case .failure(let failure):
            var bytes = ByteWriter()
            try bytes.append(counted: JSONEncoder().encode(failure))
            body = bytes.bytes
        }
        var checksum = Checksum()
        checksum.add(body)
        checksum.add(text)
        var prefix = ByteWriter()
        for byte in isText ? Self.textMark : Self.failureMark { prefix.append(byte) }
        prefix.append(UInt64(body.count))
        prefix.append(UInt64(text.count))
        prefix.append(checksum.value)
        try emit(prefix.bytes)
        try emit(body)
        try emit(text)
    }

    private var isText: Bool {
        if case .text = self { true } else { false }
    }
}

import Documents
import Foundation

/// What the parent asks of the child, once, on its standard input.
///
/// ```
/// 8  "alm-read"
/// 4  length of the head, 8  length of the document
///    head, JSON · document
/// ```
struct Request: Sendable {
    struct Head: Codable, Sendable {
        var filename: String
    }

    var head: Head
    var document: Data

    private static let mark = Array("alm-read".utf8)
    static let prefixLength = 20
    private static let maxHeadBytes = 64 << 10

    /// Everything before the document.
    func opening() throws -> [UInt8] {
        let head = try JSONEncoder().encode(head)
        var writer = ByteWriter()
        for byte in Self.mark { writer.append(byte) }
        writer.append(UInt32(head.count))
        writer.append(UInt64(document.count))
        return writer.bytes + head
    }

    /// How long head and document are, nil where this is no request.
    static func lengths(_ prefix: [UInt8], maxDocumentBytes: Int) -> (head: Int, document: Int)? {
        guard prefix.count == prefixLength, prefix.starts(with: mark) else { return nil }
        var reader = ByteReader(prefix[mark.count...])
        guard let head = try? reader.number(UInt32.self), let document = try? reader.number(UInt64.self),
            head <= maxHeadBytes, document <= maxDocumentBytes
        else { return nil }  // the prefix is long enough, so that only wrong numbers end here
        return (Int(head), Int(document))
    }
}

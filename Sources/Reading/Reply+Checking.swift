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
        } catch let damage as Layout.Damage {
            throw BadReply(damage.trouble)
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
        guard failure.message.utf8.count <= Layout.maxSentenceBytes else { throw BadReply("its failure is too long") }
        return failure
    }

    private static func readText(_ body: ArraySlice<UInt8>, _ bytes: ArraySlice<UInt8>) throws -> ExtractedText {
        try check(control: bytes)
        guard let text = String(validating: bytes, as: UTF8.self) else { throw BadReply("its text is not UTF-8") }
        return try ExtractedText(text, layout: body)
    }

    private static func check(control bytes: ArraySlice<UInt8>) throws {
        guard bytes.allSatisfy({ ($0 >= 0x20 && $0 != 0x7F) || $0 == 0x09 || $0 == 0x0A }) else {
            throw BadReply("its text has control characters")
        }
    }
}

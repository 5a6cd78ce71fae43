import Foundation
import Knowledge
import Testing

@testable import Documents

@Suite("A ZIP archive")
struct ZipArchiveTests {
    private static let text = String(repeating: "Ein Satz, der sich packen lässt. ", count: 40)

    private func reason(_ entries: [ZipWriter.Entry], reading name: String = "a") -> DocumentFailure.Reason? {
        do {
            var archive = try ZipArchive(ZipWriter.archive(entries))
            _ = try archive.content(of: name)
            return nil
        } catch {
            return error.reason
        }
    }

    private func entry(_ name: String = "a", _ change: (inout ZipWriter.Entry) -> Void) -> ZipWriter.Entry {
        var entry = ZipWriter.Entry(name, Self.text)
        change(&entry)
        return entry
    }

    @Test("gives back what was packed: stored, deflated, with sizes behind the content, with 64-bit sizes")
    func contents() throws {
        let entries = [
            entry("stored") { $0.isDeflated = false }, entry("deflated") { _ in }, entry("streamed") { $0.flags = 8 },
            entry("large") { $0.isZip64 = true }, entry("empty") { $0.content = [] }, ZipWriter.Entry("folder/", ""),
        ]
        var archive = try ZipArchive(ZipWriter.archive(entries))
        #expect(archive.entries.map(\.name) == ["stored", "deflated", "streamed", "large", "empty"])
        for entry in entries.dropLast() { #expect(try archive.content(of: entry.name) == entry.content) }
        #expect(try archive.content(of: "missing") == nil)
    }

    @Test("is refused if its headers contradict each other, its parts overlap or its names point outside")
    func contradictions() {
        #expect(reason([entry { $0.crc = 1 }]) == .unreadable)
        #expect(reason([entry { $0.size = 1 }]) == .unreadable)
        #expect(reason([entry { $0.localName = "b" }]) == .unreadable)
        #expect(reason([entry { _ in }, entry("b") { $0.localOffset = 0; $0.localName = "a" }]) == .unreadable)
        #expect(reason([entry { _ in }, entry { _ in }]) == .unreadable)
        for name in ["../a", "/a", "b/../../a", "C:\\a", "..\\a", "a\0b", ""] {
            #expect(reason([entry { _ in }, entry(name) { _ in }]) == .unreadable, "\(name)")
        }
        #expect(reason([entry { $0.flags = 1 }]) == .encrypted)
    }

    @Test("does not unpack beyond its limits, whatever its headers say")
    func bombs() {
        let zeros = [UInt8](repeating: 0, count: 4 << 20)
        #expect(reason([entry { $0.content = zeros }]) == .tooLarge)
        #expect(reason([entry { $0.content = zeros; $0.size = 10 }]) == .tooLarge)
        #expect(reason((0...ZipArchive.maxEntries).map { ZipWriter.Entry("\($0)", "") }) == .tooLarge)
    }

    @Test("that was cut anywhere or damaged anywhere gives an answer", arguments: [false, true])
    func damage(isDeflated: Bool) throws {
        let entries = [entry { $0.isDeflated = isDeflated }, entry("b") { $0.flags = 8 }, entry("c") { $0.isZip64 = true }]
        let whole = ZipWriter.archive(entries)
        for length in 0..<whole.count {
            #expect(throws: DocumentFailure.self) { try ZipArchive(Array(whole[..<length])) }
        }
        for index in whole.indices {
            for bit in [UInt8(1), 0x80, 0xFF] {
                var bytes = whole
                bytes[index] ^= bit
                guard var archive = try? ZipArchive(bytes) else { continue }
                for entry in archive.entries {
                    guard let content = try? archive.content(of: entry) else { continue }
                    #expect(content == Array(Self.text.utf8))
                }
            }
        }
    }
}

import Knowledge
import Testing

@testable import Documents

@Suite("A picture")
struct PictureSizeTests {
    /// The beginnings of files of 300 × 200 pixels.
    private static let heads: [(String, [UInt8])] = [
        ("png", [0x89, 0x50, 0x4E, 0x47, 13, 10, 26, 10, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52, 0, 0, 1, 44, 0, 0, 0, 200]),
        ("gif", Array("GIF89a".utf8) + [44, 1, 200, 0]),
        ("jpeg", [0xFF, 0xD8, 0xFF, 0xE0, 0, 4, 1, 2, 0xFF, 0xFF, 0xC4, 0, 2, 0xFF, 0xC2, 0, 11, 8, 0, 200, 1, 44]),
        ("tiff, little-endian", [0x49, 0x49, 0x2A, 0, 8, 0, 0, 0, 2, 0] + [0, 1, 3, 0, 1, 0, 0, 0, 44, 1, 0, 0]
            + [1, 1, 4, 0, 1, 0, 0, 0, 200, 0, 0, 0, 0, 0, 0, 0]),
        ("tiff, big-endian", [0x4D, 0x4D, 0, 0x2A, 0, 0, 0, 8, 0, 2] + [1, 0, 0, 3, 0, 0, 0, 1, 1, 44, 0, 0]
            + [1, 1, 0, 4, 0, 0, 0, 1, 0, 0, 0, 200, 0, 0, 0, 0]),
        ("webp, lossy", Array("RIFF0000WEBPVP8 ".utf8) + [0, 0, 0, 0, 0, 0, 0, 0x9D, 0x01, 0x2A, 44, 1, 200, 0]),
        ("webp, lossless", Array("RIFF0000WEBPVP8L".utf8) + [0, 0, 0, 0, 0x2F, 0x2B, 0xC1, 0x31, 0]),
        ("webp, extended", Array("RIFF0000WEBPVP8X".utf8) + [0, 0, 0, 0, 0, 0, 0, 0, 43, 1, 0, 199, 0, 0]),
    ]

    @Test("has as many pixels as its head says, and none where that is cut off", arguments: heads)
    func pixels(_: String, head: [UInt8]) {
        #expect(PictureSize(of: head)?.pixels == 60_000)
        for length in 0..<head.count - 4 { #expect(PictureSize(of: Array(head[..<length])) == nil) }
    }

    @Test("that unpacks to more than people look at is refused before anything unpacks it")
    func bomb() {
        var head = Self.heads[0].1
        head.replaceSubrange(16..<24, with: [0, 1, 0, 0, 0, 1, 0, 0])
        let failure = #expect(throws: DocumentFailure.self) { try TextExtractor().extract(head, filename: "a.png") }
        #expect(failure?.reason == .tooLarge)
    }

    @Test("whose pages follow each other in a circle has a size")
    func circle() {
        var head = Self.heads[3].1
        head.replaceSubrange(34..<38, with: [8, 0, 0, 0])
        #expect((PictureSize(of: head)?.pixels ?? 0) > 60_000)
    }
}

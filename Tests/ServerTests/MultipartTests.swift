import Knowledge
import Testing

@testable import Server

@Suite("A multipart form")
struct MultipartTests {
    private struct Pieces: AsyncSequence, Sendable {
        var pieces: [[UInt8]]

        struct AsyncIterator: AsyncIteratorProtocol {
            var rest: ArraySlice<[UInt8]>
            mutating func next() async -> [UInt8]? { rest.popFirst() }
        }

        func makeAsyncIterator() -> AsyncIterator { AsyncIterator(rest: pieces[...]) }
    }

    private struct Received: Equatable {
        var name: String
        var filename: String?
        var content: [UInt8]
    }

    private static let type = "multipart/form-data; boundary=\"b-1\""

    private func read(_ body: [UInt8], pieces length: Int, type: String = type) async throws -> [Received] {
        let pieces = stride(from: 0, to: body.count, by: length).map {
            Array(body[$0..<min($0 + length, body.count)])
        }
        var form = try MultipartReader(contentType: type, body: Pieces(pieces: pieces))
        var parts: [Received] = []
        while let part = try await form.nextPart() {
            var content: [UInt8] = []
            while let bytes = try await form.read() { content += bytes }
            parts.append(Received(name: part.name, filename: part.filename, content: content))
        }
        return parts
    }

    private static func body(_ file: [UInt8]) -> [UInt8] {
        Array("--b-1\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nassistants\r\n".utf8)
            + Array("--b-1\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a; \\\"b\\\".md\"\r\n".utf8)
            + Array("Content-Type: text/markdown\r\n\r\n".utf8) + file + Array("\r\n--b-1--\r\n".utf8)
    }

    @Test(
        "gives the same parts however it is cut, whatever its content resembles",
        arguments: [1, 2, 3, 7, 64, 4_096, 1_000_000], Content.allCases)
    func anyPieces(_ length: Int, _ content: Content) async throws {
        let file = content.bytes
        guard length > 2 || file.count < 1_000 else { return }
        let parts = try await read(Self.body(file), pieces: length)
        #expect(
            parts == [
                Received(name: "purpose", filename: nil, content: Array("assistants".utf8)),
                Received(name: "file", filename: "a; \"b\".md", content: file),
            ])
    }

    /// What a file may hold that looks like the form around it.
    enum Content: CaseIterable {
        case nothing, text, beginningOfBoundary, almostBoundary, bytes, large

        var bytes: [UInt8] {
            switch self {
            case .nothing: []
            case .text: Array("plain".utf8)
            case .beginningOfBoundary: Array("\r\n--b-".utf8)
            case .almostBoundary: Array("\r\n\r\n--b-2\r\n--b".utf8)
            case .bytes: [13, 10, 45, 45, 0, 255]
            case .large: (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            }
        }
    }

    @Test("may be left before its parts are read")
    func skipping() async throws {
        let body = Self.body(Array("x".utf8))
        var form = try MultipartReader(contentType: Self.type, body: Pieces(pieces: [body]))
        #expect(try await form.nextPart()?.name == "purpose")
        #expect(try await form.nextPart()?.name == "file")
        #expect(try await form.nextPart()?.name == nil)
    }

    @Test(
        "that breaks off or makes no sense is refused",
        arguments: [
            "", "nothing of the kind", "--b-1", "--b-1\r\n", "--b-1\r\nContent-Disposition: form-data; name=\"file\"\r\n",
            "--b-1\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\ncontent without an end",
            "--b-1\r\nContent-Type: text/plain\r\n\r\nx\r\n--b-1--",
        ])
    func broken(_ body: String) async throws {
        await #expect(throws: RequestError.self) { try await read(Array(body.utf8), pieces: 5) }
    }

    @Test(
        "needs a content type with a boundary of sane length",
        arguments: [
            "application/json", "multipart/form-data", "multipart/form-data; boundary=",
            "multipart/form-data; boundary=" + String(repeating: "x", count: 71),
        ])
    func contentType(_ type: String) async throws {
        await #expect(throws: RequestError.self) { try await read(Self.body([]), pieces: 64, type: type) }
    }

    @Test("may have 64 parts and no more")
    func manyParts() async throws {
        let part = "--b-1\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\n1\r\n"
        #expect(try await read(Array((String(repeating: part, count: 64) + "--b-1--").utf8), pieces: 512).count == 64)
        await #expect(throws: RequestError.self) {
            try await read(Array((String(repeating: part, count: 65) + "--b-1--").utf8), pieces: 512)
        }
    }
}

import Testing

@testable import Knowledge
@testable import Service

@Suite("Answers to one prompt", .timeLimit(.minutes(1)))
struct AnswerPiecesTests {
    private typealias Stream = AsyncThrowingStream<ModelEvent, any Error>

    private func pieces(_ streams: [Stream]) -> AnswerPieces {
        AnswerPieces(choices: streams.map { AnswerEvents(model: $0, referenceCount: nil) })
    }

    @Test("come each at its own pace, and all end when nobody takes them any more")
    func paces() async throws {
        let silent = Stream.makeStream()
        let (ends, end) = AsyncStream.makeStream(of: Void.self)
        silent.continuation.onTermination = { _ in end.yield() }
        do {
            var pieces = pieces([silent.stream, .fixed("one"), .fixed("two")]).makeAsyncIterator()
            var said = ["", "", ""]
            for _ in 0..<4 {
                let piece = try #require(try await pieces.next())
                if case .text(let text) = piece.event { said[piece.choice] += text }
            }
            #expect(said == ["", "one", "two"])
        }
        for await _ in ends { break }
    }

    @Test("end when their reader is cancelled, which is no end of the answers")
    func cancelled() async throws {
        let silent = Stream.makeStream()
        let (ends, end) = AsyncStream.makeStream(of: Void.self)
        silent.continuation.onTermination = { _ in end.yield() }
        let pieces = pieces([silent.stream, .fixed("one")])
        let (taken, take) = AsyncStream.makeStream(of: Void.self)
        let reader = Task {
            for try await _ in pieces { take.yield() }
        }
        for await _ in taken { break }
        reader.cancel()
        await #expect(throws: CancellationError.self) { try await reader.value }
        for await _ in ends { break }
    }

    @Test("fail together, behind what the failing one said")
    func failure() async throws {
        let silent = Stream.makeStream()
        let broken = Stream { continuation in
            continuation.yield(.text("one "))
            continuation.finish(throwing: UpstreamError.unreachable(provider: "p", reason: "gone"))
        }
        var said = ""
        await #expect(throws: UpstreamError.unreachable(provider: "p", reason: "gone")) {
            for try await piece in pieces([silent.stream, broken]) {
                if case .text(let text) = piece.event { said += text }
            }
        }
        #expect(said == "one ")
    }
}

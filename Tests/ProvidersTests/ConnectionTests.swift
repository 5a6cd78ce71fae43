import Knowledge
import NIOCore
import NIOPosix
import Testing

@testable import Providers

@Suite("A connection")
struct ConnectionTests {
    private func error(_ settings: ProviderSettings) async -> UpstreamError? {
        await OpenAICompatibleProvider(settings).languageModel(named: "m").events().error as? UpstreamError
    }

    @Test("that is refused makes the server unreachable")
    func refused() async throws {
        let error = await error(try .testing(port: 1))
        #expect(error == .unreachable(provider: "fake", reason: "connection refused"))
    }

    @Test("to a host that does not exist makes the server unreachable")
    func unknownHost() async throws {
        // Two dots: no resolver is asked about a name that cannot be one.
        let error = await error(try .testing(port: 1, host: "no..host"))
        #expect(error == .unreachable(provider: "fake", reason: "unknown host no..host"))
    }

    @Test("to something that greets in no known way is told apart by what was expected")
    func greetings() async throws {
        let greeting = "220 mail.example ESMTP\r\n"
        try await withGreeter(greeting) { port in
            let plain = await error(try .testing(port: port))
            #expect(plain == .garbage(provider: "fake", reason: "it does not speak HTTP"))
            guard case .unreachable(_, let reason) = await error(try .testing(port: port, scheme: "https")) else {
                Issue.record("a broken handshake is no connection")
                return
            }
            #expect(reason.hasPrefix("TLS"))
        }
    }

    @Test("that closes without a word makes the server unreachable")
    func closed() async throws {
        try await withGreeter("") { port in
            guard case .unreachable = await error(try .testing(port: port)) else {
                Issue.record("an answer out of nothing")
                return
            }
        }
    }

    private final class Greeter: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        let greeting: String

        init(greeting: String) {
            self.greeting = greeting
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            context.writeAndFlush(NIOAny(ByteBuffer(string: greeting)), promise: nil)
            context.close(promise: nil)
        }
    }

    /// Runs a server that has one answer to everything and hangs up.
    private func withGreeter(_ greeting: String, _ test: (_ port: Int) async throws -> Void) async throws {
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Greeter(greeting: greeting))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        try await test(server.localAddress?.port ?? 0)
        try await server.close()
    }

    @Test("closes when the reader lets go of the answer")
    func dropped() async throws {
        try await FakeUpstream.run { _ in
            .bytes(["data: \(Chunk.text("a"))\n\n"], then: .silence)
        } _: { upstream, settings in
            let provider = OpenAICompatibleProvider(settings)
            for try await event in try await provider.languageModel(named: "m").answer(.asking()) {
                #expect(event == .text("a"))
                break
            }
            await upstream.connectionClosed()
        }
    }

    @Test("closes when an answer that nobody began to read is dropped")
    func unread() async throws {
        try await FakeUpstream.run { _ in
            .bytes(["data: \(Chunk.text("a"))\n\n"], then: .silence)
        } _: { upstream, settings in
            let provider = OpenAICompatibleProvider(settings)
            _ = try await provider.languageModel(named: "m").answer(.asking())
            await upstream.connectionClosed()
        }
    }

    @Test(
        "closes when the task that waits is cancelled, before and amid the answer",
        arguments: [
            (.silence, false), (.bytes([": wait\n\n"], then: .silence), false),
            (.bytes(["data: \(Chunk.text("a"))\n\n"], then: .silence), true),
        ] as [(Act, Bool)])
    func cancelled(act: Act, isBegun: Bool) async throws {
        let begun = AsyncStream<Void>.makeStream()
        try await FakeUpstream.run { _ in
            if !isBegun { begun.continuation.yield() }
            return act
        } _: { upstream, settings in
            let provider = OpenAICompatibleProvider(settings)
            let reader = Task {
                for try await _ in try await provider.languageModel(named: "m").answer(.asking()) {
                    begun.continuation.yield()
                }
                try Task.checkCancellation()
            }
            for await _ in begun.stream { break }
            reader.cancel()
            await upstream.connectionClosed()
            await #expect(throws: CancellationError.self) { try await reader.value }
        }
    }

    @Test("closes when an embedding is cancelled")
    func cancelledEmbedding() async throws {
        let begun = AsyncStream<Void>.makeStream()
        try await FakeUpstream.run { _ in
            begun.continuation.yield()
            return .silence
        } _: { upstream, settings in
            let provider = OpenAICompatibleProvider(settings)
            let embedding = Task { try await RemoteEmbedder.connect(provider: provider, model: "m") }
            for await _ in begun.stream { break }
            embedding.cancel()
            await upstream.connectionClosed()
            await #expect(throws: CancellationError.self) { try await embedding.value }
        }
    }

    @Test("of a server that only sends comments does not outlast the first token's deadline")
    func onlyComments() async throws {
        try await FakeUpstream.run { _ in
            .bytes([], then: .comments(everyMilliseconds: 20))
        } _: { _, settings in
            var settings = settings
            settings.timeouts.firstToken = .milliseconds(100)
            #expect(await error(settings) == .timedOut(provider: "fake", waitingFor: "first token"))
        }
    }
}

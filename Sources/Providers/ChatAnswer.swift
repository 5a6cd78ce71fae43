import Knowledge

/// An answer on its way: reads as much of the body as the reader takes, and no further.
actor ChatAnswer {
    /// Keeps the connections open for as long as somebody reads.
    private let transport: Transport
    private let body: ReplyBody
    private let deadlines: Deadlines
    private let failures: Failures
    private var decoder: any ChatDecoder
    /// Since when the reader has been waiting for a sign of life.
    private var waitingSince = ContinuousClock.now
    private var ready: [ModelEvent] = []
    /// Comes behind what is ready.
    private var ending: Ending?

    private enum Ending {
        case complete
        case failed(any Error)
    }

    init(_ reply: Reply, from transport: Transport, within deadlines: Deadlines) throws {
        self.transport = transport
        self.deadlines = deadlines
        body = reply.body
        failures = Failures(transport.settings)
        decoder =
            switch reply.contentType {
            case .eventStream: ChatStreamDecoder(maxLineBytes: transport.settings.limits.maxLineBytes)
            case .json: ChatObjectDecoder()
            case .other: throw failures.garbage("its content type is \(reply.contentType.name)")
            }
    }

    /// The events. Each is read when it is asked for; letting go of the stream closes the connection.
    nonisolated var events: AsyncThrowingStream<ModelEvent, any Error> {
        AsyncThrowingStream { try await self.next() }
    }

    /// Waits for the first event, which the stream then begins with: a status of 200 is no answer yet.
    ///
    /// - Throws: What the stream would throw before any event.
    func begin() async throws {
        await wait()
        if ready.isEmpty, case .failed(let error) = ending { throw error }
    }

    private func next() async throws -> ModelEvent? {
        await wait()
        if !ready.isEmpty { return ready.removeFirst() }
        defer { ending = .complete }
        if case .failed(let error) = ending { throw error }
        return nil
    }

    private func wait() async {
        waitingSince = .now
        while ready.isEmpty, ending == nil { await read() }
    }

    /// Reads until something happened: events, the end, or a failure.
    private func read() async {
        do {
            let deadline = decoder.isBegun ? deadlines.nextToken(since: waitingSince) : deadlines.firstToken
            guard let bytes = try await body.next(by: deadline) else {
                ending = .complete
                return try decoder.finish(into: &ready)
            }
            let lifeSigns = decoder.lifeSigns
            try decoder.decode(bytes, into: &ready)
            if decoder.lifeSigns > lifeSigns { waitingSince = .now }
            guard decoder.isDone else { return }
            ending = .complete
            await body.settle()
        } catch let error as NoAnswer {
            ending = .failed(failures.garbage(error.reason))
        } catch {
            ending = .failed(error)
        }
    }
}

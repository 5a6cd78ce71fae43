import Foundation

/// What goes to a child and comes from it, all at once and without waiting for either side.
struct Exchange {
    enum Stop { case outputClosed, outputComplete, tooMuchOutput, deadline }

    private let connections: Connections
    private var input: [Data]
    private var written = 0
    private let maxOutputBytes: Int
    private(set) var output: [UInt8] = []
    private var errors: [UInt8] = []
    private static let maxErrorBytes = 8_192
    private var buffer = [UInt8](repeating: 0, count: 256 << 10)

    init(connections: Connections, input: [Data], maxOutputBytes: Int) {
        self.connections = connections
        self.input = input.filter { !$0.isEmpty }
        self.maxOutputBytes = maxOutputBytes
    }

    mutating func run(until deadline: ContinuousClock.Instant, _ expectedOutput: ([UInt8]) -> Int?) -> Stop {
        var expected: Int?
        if input.isEmpty { connections.input.ours.close() }
        while true {
            guard waitForEvents(until: deadline) else { return .deadline }
            feed()
            readErrors()
            let isClosed = drainOutput()
            if expected == nil, let total = expectedOutput(output) {
                expected = total
                if total <= maxOutputBytes { output.reserveCapacity(total) }
            }
            if output.count > maxOutputBytes || (expected ?? 0) > maxOutputBytes { return .tooMuchOutput }
            if let expected, output.count >= expected { return .outputComplete }
            if isClosed { return .outputClosed }
        }
    }

    /// The beginning of standard error.
    mutating func errorText(maxBytes: Int) -> String {
        readErrors()
        return String(decoding: errors.prefix(maxBytes), as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// - Returns: false once the deadline has come.
    private func waitForEvents(until deadline: ContinuousClock.Instant) -> Bool {
        let left = deadline - ContinuousClock.now
        guard left > .zero else { return false }
        // A descriptor of -1 is passed over.
        var events = [
            pollfd(fd: connections.output.ours.number, events: Int16(POLLIN), revents: 0),
            pollfd(fd: connections.errors.ours.number, events: Int16(POLLIN), revents: 0),
            pollfd(fd: connections.input.ours.number, events: Int16(POLLOUT), revents: 0),
        ]
        let milliseconds = min(left / .milliseconds(1), 60_000).rounded(.up)
        poll(&events, nfds_t(events.count), Int32(milliseconds))
        return ContinuousClock.now < deadline
    }

    private mutating func feed() {
        while connections.input.ours.isOpen, let part = input.first {
            let count = part.withUnsafeBytes { bytes in
                let rest = UnsafeRawBufferPointer(rebasing: bytes[written...])
                return send(connections.input.ours.number, rest.baseAddress, rest.count, Int32(MSG_NOSIGNAL))
            }
            if count < 0 {
                // A child that takes no more input may still have something to say.
                if errno != EAGAIN && errno != EINTR { connections.input.ours.close() }
                return
            }
            written += count
            if written == part.count {
                input.removeFirst()
                written = 0
            }
            if input.isEmpty { connections.input.ours.close() }
        }
    }

    /// Reads once only: a child that never stops complaining may not keep anybody from looking at the clock.
    private mutating func readErrors() {
        guard connections.errors.ours.isOpen else { return }
        let count = read(connections.errors.ours.number, &buffer, buffer.count)
        if count > 0 {
            // What is too much is read all the same, so that the child does not wait for ever to be heard.
            errors.append(contentsOf: buffer.prefix(min(count, max(0, Self.maxErrorBytes - errors.count))))
        } else if count == 0 || (errno != EAGAIN && errno != EINTR) {
            connections.errors.ours.close()
        }
    }

    /// - Returns: Whether there will be no more.
    private mutating func drainOutput() -> Bool {
        while output.count <= maxOutputBytes {
            let count = read(connections.output.ours.number, &buffer, buffer.count)
            guard count > 0 else { return count == 0 || (errno != EAGAIN && errno != EINTR) }
            output.append(contentsOf: buffer.prefix(count))
        }
        return false
    }
}

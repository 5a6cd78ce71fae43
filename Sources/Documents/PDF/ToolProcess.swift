import Foundation
import Knowledge
import Synchronization

/// A running program and our ends of its pipes. `end()` must be called.
struct ToolProcess {
    private static let maxMessageBytes = 4096
    private let id: pid_t
    private var ends: Ends
    private var isReaped = false
    private(set) var output: [UInt8] = []
    private(set) var messages: [UInt8] = []

    init(path: String, arguments: [String]) throws(DocumentFailure) {
        let started = Self.starting.withLock { _ in
            Result { () throws(DocumentFailure) in try Self.start(path, arguments) }
        }
        (id, ends) = try started.get()
    }

    /// Our ends of the three pipes; -1 once closed.
    private struct Ends {
        var (input, output, messages): (Int32, Int32, Int32) = (-1, -1, -1)
    }

    /// Held from making pipes until they are marked and passed on: a program that another thread starts meanwhile would
    /// hold them open.
    private static let starting = Mutex(())

    private static func start(_ path: String, _ arguments: [String]) throws(DocumentFailure) -> (pid_t, Ends) {
        let (ours, theirs) = try pipes()
        defer { for end in theirs { Foundation.close(end) } }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for (number, end) in theirs.enumerated() {
            posix_spawn_file_actions_adddup2(&actions, end, Int32(number))
        }
        for descriptor in inheritable { posix_spawn_file_actions_addclose(&actions, descriptor) }
        let words = [path] + arguments
        // One thread a program: documents are read side by side, and tesseract's own threads only wait for each other.
        let environment = ["PATH=\(Tool.systemFolders)", "LANG=C.UTF-8", "OMP_THREAD_LIMIT=1"]
        var process = pid_t()
        let error = withStrings(words) { words in
            withStrings(environment) { environment in
                withAttributes { posix_spawn(&process, path, &actions, $0, words, environment) }
            }
        }
        guard error == 0 else {
            for end in ours { Foundation.close(end) }
            throw DocumentFailure(.internalError, "\(path) could not be started: \(String(cString: strerror(error))).")
        }
        return (process, Ends(input: ours[0], output: ours[1], messages: ours[2]))
    }

    /// Open descriptors that nobody marked to be closed in other programs. None is ours.
    private static var inheritable: [Int32] {
        // Where /proc is not to be seen there is nothing that could be looked for.
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
        return names.compactMap(Int32.init).filter { descriptor in
            let flags = fcntl(descriptor, F_GETFD)
            return descriptor > 2 && flags >= 0 && flags & FD_CLOEXEC == 0
        }
    }

    /// Writes the input while reading what the program says, until it has closed both its outputs.
    mutating func exchange(
        _ input: [UInt8], maxOutputBytes: Int, until deadline: ContinuousClock.Instant
    ) throws(DocumentFailure) {
        let signals = BlockedPipeSignal()
        defer { signals.unblock() }
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        var written = 0
        while ends.output >= 0 || ends.messages >= 0 {
            if ends.input >= 0 && written == input.count { Self.close(&ends.input) }
            // poll passes over descriptors below 0.
            var waits = [
                pollfd(fd: ends.input, events: Int16(POLLOUT), revents: 0),
                pollfd(fd: ends.output, events: Int16(POLLIN), revents: 0),
                pollfd(fd: ends.messages, events: Int16(POLLIN), revents: 0),
            ]
            let left = ContinuousClock.now.duration(to: deadline).components
            guard left.seconds >= 0, left.attoseconds >= 0 else { throw .readingTimedOut }
            let milliseconds = min(left.seconds, 1000) * 1000 + left.attoseconds / 1_000_000_000_000_000 + 1
            guard poll(&waits, 3, Int32(milliseconds)) > 0 else { continue }
            if waits[0].revents != 0 { write(input, from: &written) }
            if waits[1].revents != 0 {
                output.append(contentsOf: Self.read(from: &ends.output, into: &buffer))
                guard output.count <= maxOutputBytes else { throw .tooMuchText }
            }
            if waits[2].revents != 0 {
                let said = Self.read(from: &ends.messages, into: &buffer)
                messages.append(contentsOf: said.prefix(Self.maxMessageBytes - messages.count))
            }
        }
    }

    /// - Returns: The exit status, or nil if a signal ended the program.
    mutating func wait(until deadline: ContinuousClock.Instant) throws(DocumentFailure) -> Int32? {
        Self.close(&ends.input)
        var pause: UInt32 = 200
        while true {
            var status: Int32 = 0
            let reaped = waitpid(id, &status, WNOHANG)
            if reaped != 0 {
                isReaped = true
                // A parent that ignores its children's ends is not told how they ended.
                guard reaped == id else { return 0 }
                return status & 0x7F == 0 ? status >> 8 & 0xFF : nil
            }
            guard ContinuousClock.now < deadline else { throw .readingTimedOut }
            usleep(pause)
            pause = min(pause * 2, 20_000)
        }
    }

    /// Closes the pipes and ends what still runs.
    mutating func end() {
        Self.close(&ends.input)
        Self.close(&ends.output)
        Self.close(&ends.messages)
        guard !isReaped else { return }
        kill(-id, SIGKILL)
        while waitpid(id, nil, 0) < 0 && errno == EINTR {}
        isReaped = true
    }

    // MARK: - Pipes

    private mutating func write(_ input: [UInt8], from written: inout Int) {
        let count = input.withUnsafeBytes { bytes in
            Foundation.write(ends.input, bytes.baseAddress.map { $0 + written }, min(bytes.count - written, 64 << 10))
        }
        if count >= 0 { written += count }
        // A program that has seen enough closes its end; what it then says and its status tell why.
        if count < 0 && errno != EAGAIN && errno != EINTR { Self.close(&ends.input) }
    }

    private static func read(from end: inout Int32, into buffer: inout [UInt8]) -> ArraySlice<UInt8> {
        let count = Foundation.read(end, &buffer, buffer.count)
        if count > 0 { return buffer[..<count] }
        if count == 0 || (errno != EAGAIN && errno != EINTR) { close(&end) }
        return []
    }

    private static func close(_ end: inout Int32) {
        if end >= 0 { Foundation.close(end) }
        end = -1
    }

    /// Three pipes: ours are the ends that this process keeps, in the order input, output, messages.
    private static func pipes() throws(DocumentFailure) -> (ours: [Int32], theirs: [Int32]) {
        var (ours, theirs): ([Int32], [Int32]) = ([], [])
        for number in 0..<3 {
            var ends: [Int32] = [-1, -1]
            guard pipe(&ends) == 0 else {
                for end in ours + theirs { Foundation.close(end) }
                throw DocumentFailure(.internalError, "Too many files are open to start another program.")
            }
            let (ourEnd, theirEnd) = number == 0 ? (ends[1], ends[0]) : (ends[0], ends[1])
            for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
            if number == 0 { _ = fcntl(ourEnd, F_SETFL, O_NONBLOCK) }
            ours.append(ourEnd)
            theirs.append(theirEnd)
        }
        return (ours, theirs)
    }

    // MARK: - Spawning

    /// A process group of its own, no signal blocked or ignored.
    private static func withAttributes(_ body: (UnsafePointer<posix_spawnattr_t>) -> Int32) -> Int32 {
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var (none, all) = (sigset_t(), sigset_t())
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        let flags = Int32(POSIX_SPAWN_SETPGROUP) | Int32(POSIX_SPAWN_SETSIGMASK) | Int32(POSIX_SPAWN_SETSIGDEF)
        posix_spawnattr_setflags(&attributes, Int16(flags))
        return body(&attributes)
    }

    private static func withStrings(
        _ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Int32
    ) -> Int32 {
        let copies = strings.map { strdup($0) }
        defer { for copy in copies { free(copy) } }
        return body(copies + [nil])
    }
}

/// Keeps a write to a program that ended early from ending this process as well, on this thread only.
private struct BlockedPipeSignal {
    private var pipe = sigset_t()
    private var before = sigset_t()

    init() {
        sigemptyset(&pipe)
        sigaddset(&pipe, SIGPIPE)
        pthread_sigmask(SIG_BLOCK, &pipe, &before)
    }

    func unblock() {
        var (pipe, before, now) = (pipe, before, timespec())
        // A signal that came meanwhile is taken, or it would strike when unblocked; where it was blocked before it stays.
        if sigismember(&before, SIGPIPE) == 0 { while sigtimedwait(&pipe, nil, &now) == SIGPIPE {} }
        pthread_sigmask(SIG_SETMASK, &before, nil)
    }
}

extension DocumentFailure {
    static let readingTimedOut = DocumentFailure(
        .timedOut, "Reading this file took too long. Split it into smaller files and upload those."
    )
}

import CSandbox
import Foundation

/// One run of a program: fed, listened to, bounded in time and output, and gone with all of its process group afterwards.
///
/// Blocks its thread.
struct ChildProcess {
    var program: String
    /// Without the program's name.
    var arguments: [String]
    var environment: [String: String] = Self.plainEnvironment
    /// Where it runs, nil for our own place.
    var folder: String?
    var timeout: Duration
    var maxOutputBytes: Int

    /// What any program may know.
    static let plainEnvironment = ["PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"]

    enum Ending: Equatable {
        /// It closed its output, or wrote all that was expected; nobody waited to see how it ended.
        case exited(Int32)
        case killed(signal: Int32)
        case deadline
        case tooMuchOutput
        case cancelled
    }

    struct Outcome {
        var output: [UInt8]
        /// The first 4 KiB of standard error.
        var errors: String
        var ending: Ending
    }

    private static let maxErrorBytes = 4 << 10

    /// - Parameters:
    ///   - input: Parts of standard input, one after the other.
    ///   - expectedOutput: Told what came so far, says how much comes in all, so that nobody waits for the end; nil while
    ///     that cannot be said.
    /// - Throws: `ReaderUnusable` where the program cannot be started.
    func run(
        input: [Data], killSwitch: KillSwitch, expectedOutput: ([UInt8]) -> Int? = { _ in nil }
    ) throws -> Outcome {
        let deadline = ContinuousClock.now + timeout
        let connections = try Connections()
        let child = try start(connections)
        killSwitch.arm(child)
        connections.closeChilds()
        var exchange = Exchange(connections: connections, input: input, maxOutputBytes: maxOutputBytes)
        let stop = exchange.run(until: deadline, expectedOutput)
        killSwitch.disarm()
        let ending = Self.end(child, after: stop)
        return Outcome(
            output: exchange.output, errors: exchange.errorText(maxBytes: Self.maxErrorBytes),
            ending: killSwitch.isPulled ? .cancelled : ending)
    }

    private func start(_ connections: Connections) throws -> pid_t {
        var process: pid_t = 0
        let code = withCStrings([program] + arguments) { arguments in
            withCStrings(environment.map { "\($0)=\($1)" }) { environment in
                program.withCString { program in
                    withOptionalCString(folder) { folder in
                        var command = sandbox_command(
                            program: program, arguments: arguments, environment: environment, folder: folder,
                            input: connections.input.childs.number, output: connections.output.childs.number,
                            errors: connections.errors.childs.number)
                        return sandbox_start(&command, &process)
                    }
                }
            }
        }
        guard code == 0 else { throw ReaderUnusable("\(program) could not be started", code) }
        return process
    }

    /// Ends the group and waits for its leader. What is left of the group is taken over by the system.
    private static func end(_ child: pid_t, after stop: Exchange.Stop) -> Ending {
        // One that closed its output is about to end by itself, and how it ends says what happened.
        var status: Int32 = 0
        var isWaitedFor = stop == .outputClosed && wait(for: child, at: ContinuousClock.now + .seconds(2), &status)
        kill(-child, SIGKILL)
        while !isWaitedFor {
            isWaitedFor = waitpid(child, &status, 0) == child || errno != EINTR
        }
        switch stop {
        case .deadline: return .deadline
        case .tooMuchOutput: return .tooMuchOutput
        case .outputComplete: return .exited(0)
        case .outputClosed:
            let signal = status & 0x7F
            return signal == 0 ? .exited((status >> 8) & 0xFF) : .killed(signal: signal)
        }
    }

    private static func wait(for child: pid_t, at deadline: ContinuousClock.Instant, _ status: inout Int32) -> Bool {
        while ContinuousClock.now < deadline {
            let ended = waitpid(child, &status, WNOHANG)
            if ended == child { return true }
            if ended < 0 && errno != EINTR { return true }
            usleep(500)
        }
        return false
    }
}

private func withCStrings<Result>(_ strings: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>?) -> Result) -> Result {
    let copies = strings.map { strdup($0) } + [nil]
    defer { copies.forEach { free($0) } }
    return copies.withUnsafeBufferPointer { body($0.baseAddress) }
}

private func withOptionalCString<Result>(_ string: String?, _ body: (UnsafePointer<CChar>?) -> Result) -> Result {
    guard let string else { return body(nil) }
    return string.withCString { body($0) }
}

import CSandbox
import Foundation

/// One run of a program: fed, listened to, bounded in time and output, and gone with all that it started afterwards.
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

    /// Ends all that is left and waits for the child.
    private static func end(_ child: pid_t, after stop: Exchange.Stop) -> Ending {
        // One that closed its output is about to end by itself, and how it ends says what happened.
        var status: Int32 = 0
        if stop == .outputClosed { letEnd(child, until: ContinuousClock.now + .seconds(2)) }
        ProcessSession(leader: child).end()
        while waitpid(child, &status, 0) < 0 && errno == EINTR {}
        switch stop {
        case .deadline: return .deadline
        case .tooMuchOutput: return .tooMuchOutput
        case .outputComplete: return .exited(0)
        case .outputClosed:
            let signal = status & 0x7F
            return signal == 0 ? .exited((status >> 8) & 0xFF) : .killed(signal: signal)
        }
    }

    /// Waits until the child has ended, and leaves it to be waited for.
    private static func letEnd(_ child: pid_t, until deadline: ContinuousClock.Instant) {
        while ContinuousClock.now < deadline {
            var info = siginfo_t()
            // While the child lives, nothing is filled in.
            let code = waitid(P_PID, id_t(child), &info, WEXITED | WNOHANG | WNOWAIT)
            if code < 0 ? errno != EINTR : info.si_signo == SIGCHLD { return }
            usleep(500)
        }
    }
}

private func withCStrings<Result>(_ strings: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>?) -> Result)
    -> Result
{
    let copies = strings.map { strdup($0) } + [nil]
    defer { for copy in copies { free(copy) } }
    return copies.withUnsafeBufferPointer { body($0.baseAddress) }
}

private func withOptionalCString<Result>(_ string: String?, _ body: (UnsafePointer<CChar>?) -> Result) -> Result {
    guard let string else { return body(nil) }
    return string.withCString { body($0) }
}

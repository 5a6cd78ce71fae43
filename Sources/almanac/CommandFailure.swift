import ArgumentParser
import Foundation
import Knowledge
import Reading
import Storage
import Vectors

/// Why a command ended, as its exit code tells scripts.
enum CommandExit: Int32, Sendable {
    case failed = 1, usage = 2, notFound = 3, unauthorized = 4, conflict = 5, partlyFailed = 6, unavailable = 7
}

/// A command that could not do what it was asked, in one line on standard error.
struct CommandFailure: Error, CustomStringConvertible {
    let exit: CommandExit
    let description: String

    init(_ exit: CommandExit, _ description: String) {
        self.exit = exit
        self.description = description
    }

    /// Writes our own errors to standard error and turns them into exit codes; the parser's own pass through, since it
    /// knows how to show help.
    static func presentable(_ error: any Error) -> any Error {
        let failure: CommandFailure
        switch error {
        case let error as CommandFailure: failure = error
        case let error as ConfigurationError: failure = CommandFailure(.usage, error.description)
        case let error as StorageError: failure = CommandFailure(error.exit, "\(error)")
        case let error as UpstreamError: failure = CommandFailure(.unavailable, error.sentence)
        case let error as ModelError: failure = CommandFailure(.failed, error.description)
        case let error as ReaderUnusable: failure = CommandFailure(.failed, error.description)
        default: return usageAware(error)
        }
        Terminal.note("almanac: \(failure.description)")
        return ExitCode(failure.exit.rawValue)
    }

    /// The parser ends a wrong command line with 64, as BSD does; ours is 2.
    private static func usageAware(_ error: any Error) -> any Error {
        guard Almanac.exitCode(for: error) == ExitCode.validationFailure else { return error }
        Terminal.note(Almanac.fullMessage(for: error))
        return ExitCode(CommandExit.usage.rawValue)
    }
}

extension StorageError {
    fileprivate var exit: CommandExit {
        if case .locked = self { .conflict } else { .failed }
    }
}

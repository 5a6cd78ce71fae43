package import Documents
package import Foundation
import Knowledge
package import Logging

/// Hands files to the operator's converters where one is for them, and reads what comes out like any other document.
package struct ConvertingReader: DocumentReader {
    /// Sends a file to a converter's service and gives back what it answered, at most `Converter.maxOutputBytes`.
    package typealias Post = @Sendable (Data, _ filename: String, Converter) async throws -> Data

    private let converters: [Converter]
    private let reader: any DocumentReader
    private let program: String
    private let sandbox: SandboxMode
    private let workers: Workers
    private let post: Post
    private let logger: Logger

    /// - Parameters:
    ///   - converters: The first that is for a file's suffix gets it, also where there is a reader.
    ///   - reader: Reads everything else, and what the converters made.
    ///   - program: Confines and starts converters; it must know the command `ReadingChild.converterCommand`.
    package init(
        _ converters: [Converter], settings: ReadingSettings, reader: any DocumentReader,
        program: String = "/proc/self/exe", logger: Logger, post: @escaping Post
    ) {
        self.converters = converters
        self.reader = reader
        self.program = program
        self.post = post
        self.logger = logger
        sandbox = settings.sandbox
        workers = Workers(count: settings.readers, name: "converter")
    }

    package func read(_ data: Data, filename: String) async throws -> ExtractedText {
        let found = converters.lazy.compactMap { converter in converter.suffix(of: filename).map { (converter, $0) } }
            .first
        guard let (converter, suffix) = found else { return try await reader.read(data, filename: filename) }
        let converted = try await convert(data, converter, suffix)
        let name = String(filename.dropLast(suffix.count)) + converter.output.suffix
        var text = try await reader.read(converted, filename: name)
        text.warnings.append("This file was read by way of the converter '\(converter.name)'.")
        return text
    }

    private func convert(_ data: Data, _ converter: Converter, _ suffix: String) async throws -> Data {
        switch converter.way {
        case .service: return try await post(data, "input.\(suffix)", converter)
        case .command(let command):
            let killSwitch = KillSwitch()
            return try await withTaskCancellationHandler {
                try await workers.run(.background) { try run(command, on: data, suffix, converter, killSwitch) }
            } onCancel: {
                killSwitch.pull()
            }
        }
    }

    // MARK: - Commands

    private func run(
        _ command: [String], on data: Data, _ suffix: String, _ converter: Converter, _ killSwitch: KillSwitch
    ) throws -> Data {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let (input, output) = (folder.path + "/input.\(suffix)", folder.path + "/output")
        try data.write(to: URL(fileURLWithPath: input))
        try FileManager.default.createDirectory(atPath: output, withIntermediateDirectories: false)
        let words = command.map {
            $0.replacingOccurrences(of: "{input}", with: input).replacingOccurrences(of: "{outdir}", with: output)
        }
        let outcome = try process(words, in: folder.path, converter).run(input: [], killSwitch: killSwitch)
        try check(outcome, converter)
        guard command.contains(where: { $0.contains("{outdir}") }) else { return Data(outcome.output) }
        return try onlyFile(in: output, converter)
    }

    private func process(_ words: [String], in folder: String, _ converter: Converter) -> ChildProcess {
        // Time on all processors together.
        let seconds = converter.timeoutSeconds * ProcessInfo.processInfo.activeProcessorCount
        let limits = Sandbox.Limits(memoryMegabytes: converter.memoryMegabytes, seconds: min(seconds, 86_400))
        var child = ChildProcess(
            program: program,
            arguments: [ReadingChild.converterCommand] + Sandbox(mode: sandbox, limits: limits).arguments + words,
            folder: folder, timeout: .seconds(converter.timeoutSeconds), maxOutputBytes: Converter.maxOutputBytes)
        child.environment["HOME"] = folder
        child.environment["TMPDIR"] = folder
        return child
    }

    private func check(_ outcome: ChildProcess.Outcome, _ converter: Converter) throws {
        if outcome.ending == .exited(0) { return }
        if outcome.ending == .cancelled { throw CancellationError() }
        logger.warning(
            "a converter failed",
            metadata: [
                "converter": "\(converter.name)", "ending": "\(outcome.ending)", "said": "\(outcome.errors)",
            ])
        switch outcome.ending {
        case .exited(ReadingChild.Exit.unstartable), .exited(ReadingChild.Exit.notConfined),
            .exited(ReadingChild.Exit.usage):
            throw ReaderUnusable("the converter '\(converter.name)' did not begin: \(outcome.errors)")
        case .deadline, .killed(signal: SIGXCPU): throw converter.failed(.timedOut)
        case .tooMuchOutput: throw converter.failed(.tooLarge)
        case .killed: throw converter.failed(.readerCrashed)
        case .exited, .cancelled: throw converter.failed()
        }
    }

    private func onlyFile(in folder: String, _ converter: Converter) throws -> Data {
        let names = try FileManager.default.contentsOfDirectory(atPath: folder)
        guard names.count == 1, let name = names.first else { throw converter.failed() }
        // What the converter left could be a link, or a pipe that nobody writes to.
        let file = Descriptor(open(folder + "/" + name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC))
        var kind = stat()
        guard file.isOpen, fstat(file.number, &kind) == 0, kind.st_mode & S_IFMT == S_IFREG else {
            throw converter.failed()
        }
        guard kind.st_size <= Converter.maxOutputBytes else { throw converter.failed(.tooLarge) }
        return try FileHandle(fileDescriptor: file.number, closeOnDealloc: false).readToEnd() ?? Data()
    }
}

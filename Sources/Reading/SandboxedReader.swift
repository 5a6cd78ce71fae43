import CSandbox
package import Documents
package import Foundation
import Knowledge
package import Logging

/// How documents are read in processes of their own.
package struct ReadingSettings: Sendable {
    /// Documents read at the same time; the others wait.
    package var readers = max(1, ProcessInfo.processInfo.activeProcessorCount / 2)
    /// For one document, from start to end.
    package var timeoutSeconds = 120
    /// As much more for documents that other programs read: recognition takes seconds a page.
    package var recognitionSeconds = 1_200
    /// Private memory of one reader, and of each program that it starts.
    package var memoryMegabytes = 2_048
    package var sandbox = SandboxMode.prefer

    package init() {}

    /// How long anybody waits for a document.
    fileprivate var seconds: Int { timeoutSeconds + recognitionSeconds }

    /// After how many seconds recognition ends, so that there is time left to hand over what was read.
    fileprivate var secondsOfRecognition: Int { max(0, seconds - max(2, min(30, seconds / 10))) }
}

/// Reads each document in a short-lived process of this same program, which confines itself first: whatever a document
/// does to its reader ends with that reader.
package struct SandboxedReader: DocumentReader {
    private static let maxTextBytes = TextExtractor.maxInputBytes

    private let program: String
    private let settings: ReadingSettings
    private let workers: Workers
    private let logger: Logger

    /// - Parameter program: What is started; it must know the command `ReadingChild.command`. By default the program that
    ///   runs, also where its file has been replaced since.
    package init(_ settings: ReadingSettings, program: String = "/proc/self/exe", logger: Logger) {
        self.program = program
        self.settings = settings
        self.logger = logger
        workers = Workers(count: settings.readers, name: "reader")
    }

    package func read(_ data: Data, filename: String) async throws -> ExtractedText {
        let killSwitch = KillSwitch()
        return try await withTaskCancellationHandler {
            try await workers.run(.background) { try read(data, filename, killSwitch) }
        } onCancel: {
            killSwitch.pull()
        }
    }

    private func read(_ data: Data, _ filename: String, _ killSwitch: KillSwitch) throws -> ExtractedText {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let sandbox = Sandbox(
            mode: settings.sandbox,
            limits: .init(memoryMegabytes: settings.memoryMegabytes, seconds: settings.timeoutSeconds))
        var child = ChildProcess(
            program: program,
            arguments: [ReadingChild.command] + sandbox.arguments + ["\(settings.secondsOfRecognition)"],
            timeout: .seconds(settings.seconds), maxOutputBytes: Reply.maxBytes
        )
        child.environment["TMPDIR"] = folder.path
        child.environment["OMP_THREAD_LIMIT"] = "1"  // tesseract's threads wait for each other more than they work
        child.environment["SWIFT_BACKTRACE"] = "enable=no"
        let request = Request(head: Request.Head(filename: filename), document: data)
        let outcome = try child.run(input: [Data(request.opening()), data], killSwitch: killSwitch) { output in
            output.count < Reply.prefixLength ? nil : Reply.length(output.prefix(Reply.prefixLength)[...]) ?? .max
        }
        return try text(of: outcome)
    }

    // MARK: - What became of it

    private func text(of outcome: ChildProcess.Outcome) throws -> ExtractedText {
        switch outcome.ending {
        case .cancelled: throw CancellationError()
        case .deadline: throw tooSlow(outcome, settings.seconds)
        case .killed(signal: SIGALRM), .killed(signal: SIGXCPU): throw tooSlow(outcome, settings.timeoutSeconds)
        case .tooMuchOutput: throw crashed(outcome, "Its reader answered with something that is not a text.")
        case .exited(ReadingChild.Exit.notConfined), .exited(ReadingChild.Exit.usage),
            .exited(ReadingChild.Exit.badRequest):
            throw ReaderUnusable("the reader did not begin: \(outcome.errors)")
        case .killed where Self.wantedMemory(outcome.errors):
            report(outcome, "it wanted more memory than it may have")
            throw DocumentFailure(
                .tooLarge,
                "Reading this file takes more than \(settings.memoryMegabytes) MiB of memory. Split it and upload the parts."
            )
        case .killed, .exited: return try text(of: outcome.output, outcome)
        }
    }

    private func text(of reply: [UInt8], _ outcome: ChildProcess.Outcome) throws -> ExtractedText {
        guard reply.count >= Reply.prefixLength else {
            throw crashed(outcome, "The program that reads it ended before it was done. The file is probably damaged.")
        }
        do {
            switch try Reply(checking: reply, maxTextBytes: Self.maxTextBytes) {
            case .text(let text): return text
            case .failure(let failure): throw failure
            }
        } catch let bad as BadReply {
            throw crashed(outcome, "Its reader answered with something that is not a text.", bad.trouble)
        }
    }

    private func tooSlow(_ outcome: ChildProcess.Outcome, _ seconds: Int) -> DocumentFailure {
        report(outcome, "it took too long")
        return DocumentFailure(
            .timedOut, "Reading this file took longer than \(seconds) seconds. Split it and upload the parts.")
    }

    private func crashed(
        _ outcome: ChildProcess.Outcome, _ message: String, _ trouble: String = "it ended early"
    ) -> DocumentFailure {
        report(outcome, trouble)
        return DocumentFailure(.readerCrashed, message)
    }

    private func report(_ outcome: ChildProcess.Outcome, _ trouble: String) {
        logger.warning(
            "a document's reader failed",
            metadata: ["trouble": "\(trouble)", "ending": "\(outcome.ending)", "said": "\(outcome.errors)"])
    }

    /// What the Swift and the C++ run time say when there is no more memory. The signal alone does not tell.
    private static func wantedMemory(_ errors: String) -> Bool {
        ["failed to allocate", "bad_alloc", "Cannot allocate memory"].contains { errors.contains($0) }
    }
}

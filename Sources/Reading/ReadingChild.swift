import CSandbox
import Documents
import Foundation
import Knowledge

/// The far side of `SandboxedReader`: this process, started only to read one document.
///
/// It confines itself before it reads a byte, answers once, and ends. It has no settings but its arguments.
package enum ReadingChild {
    /// The hidden command that starts it: `almanac __extract MODE MEGABYTES SECONDS RECOGNITION`, the last the
    /// seconds from now after which it begins no further page.
    package static let command = "__extract"

    /// Ends of this process that the other side knows.
    enum Exit {
        static let usage: Int32 = 64
        static let badRequest: Int32 = 65
        static let notConfined: Int32 = 71
        static let unwritable: Int32 = 74
        static let unstartable: Int32 = 127
    }

    /// - Parameter arguments: Those behind the command.
    package static func run(_ arguments: [String]) -> Never {
        guard let sandbox = Sandbox(arguments), arguments.count == 4, let seconds = Int(arguments[3]),
            (0...172_800).contains(seconds)
        else { end(Exit.usage, "wrong arguments") }
        let recognitionEnd = ContinuousClock.now + .seconds(seconds)
        do {
            try sandbox.confine(SANDBOX_PROGRAMS, writingTo: ProcessInfo.processInfo.environment["TMPDIR"])
        } catch {
            end(Exit.notConfined, "cannot \(error.step): \(String(cString: strerror(error.code)))")
        }
        // Nothing that prints may get between the bytes of the reply.
        let reply = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)
        dup2(STDERR_FILENO, STDOUT_FILENO)
        guard reply > 2, let (head, document) = readRequest() else { end(Exit.badRequest, "no request") }
        if !TextExtractor.mayNeedPrograms(document, filename: head.filename) {
            alarm(UInt32(sandbox.limits.seconds))
            do {
                try sandbox.confineToComputing()
            } catch {
                end(Exit.notConfined, "cannot \(error.step): \(String(cString: strerror(error.code)))")
            }
        }
        answer(document, filename: head.filename, TextExtractor(recognitionEnd: recognitionEnd), to: reply)
    }

    /// The hidden command behind which a converter runs: `almanac __convert MODE MEGABYTES SECONDS PROGRAM ARGUMENT…`.
    package static let converterCommand = "__convert"

    /// Confines this process and becomes the converter.
    ///
    /// - Parameter arguments: Those behind the command.
    package static func convert(_ arguments: [String]) -> Never {
        guard let sandbox = Sandbox(arguments), arguments.count > 3 else { end(Exit.usage, "wrong arguments") }
        do {
            try sandbox.confine(SANDBOX_CONVERTERS, writingTo: nil)
        } catch {
            end(Exit.notConfined, "cannot \(error.step): \(String(cString: strerror(error.code)))")
        }
        arguments[3].withCString { program in
            _ = execvp(program, arguments[3...].map { strdup($0) } + [nil])
        }
        end(Exit.unstartable, "\(arguments[3]) could not be started: \(String(cString: strerror(errno)))")
    }

    private static func answer(
        _ document: [UInt8], filename: String, _ extractor: TextExtractor, to descriptor: Int32
    ) -> Never {
        let reply: Reply
        do throws(DocumentFailure) {
            let text = try extractor.extract(document, filename: filename)
            guard Reply.maxBytes > text.text.utf8.count + text.blocks.count * Layout.blockBytes + Reply.maxOtherBytes else {
                throw DocumentFailure(.tooLarge, "This file has too many parts. Split it and upload the parts.")
            }
            reply = Reply(fitting: text)
        } catch {
            reply = Reply(fitting: error)
        }
        do {
            try reply.write { try write($0, to: descriptor) }
        } catch {
            end(Exit.unwritable, "the reply could not be written")
        }
        _exit(0)
    }

    // MARK: - Bytes

    private static func readRequest() -> (Request.Head, [UInt8])? {
        let prefix = read(Request.prefixLength)
        guard let lengths = Request.lengths(prefix, maxDocumentBytes: TextExtractor.maxInputBytes) else { return nil }
        // What cannot be decoded is no request, for whatever reason.
        let head = try? JSONDecoder().decode(Request.Head.self, from: Data(read(lengths.head)))
        let document = read(lengths.document)
        guard let head, document.count == lengths.document else { return nil }
        return (head, document)
    }

    /// Fewer bytes than asked for at the end of the input only.
    private static func read(_ count: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            while filled < count {
                let got = Glibc.read(STDIN_FILENO, buffer.baseAddress.map { $0 + filled }, count - filled)
                if got > 0 { filled += got } else if got == 0 || errno != EINTR { return }
            }
        }
    }

    private struct Unwritable: Error {}

    private static func write(_ bytes: [UInt8], to descriptor: Int32) throws {
        try bytes.withUnsafeBytes { bytes in
            var written = 0
            while written < bytes.count {
                let count = Glibc.write(descriptor, bytes.baseAddress.map { $0 + written }, bytes.count - written)
                if count > 0 { written += count } else if errno != EINTR { throw Unwritable() }
            }
        }
    }

    private static func end(_ code: Int32, _ trouble: String) -> Never {
        try? write(Array("\(trouble)\n".utf8), to: STDERR_FILENO)  // the exit code says it as well
        _exit(code)
    }
}

extension Sandbox {
    /// - Returns: nil for arguments that nobody of ours gives.
    init?(_ arguments: [String]) {
        guard arguments.count >= 3, let mode = SandboxMode(rawValue: arguments[0]),
            let megabytes = Int(arguments[1]), (64...1_048_576).contains(megabytes),
            let seconds = Int(arguments[2]), (1...86_400).contains(seconds)
        else { return nil }
        self.init(mode: mode, limits: Limits(memoryMegabytes: megabytes, seconds: seconds))
    }

    var arguments: [String] { [mode.rawValue, "\(limits.memoryMegabytes)", "\(limits.seconds)"] }
}

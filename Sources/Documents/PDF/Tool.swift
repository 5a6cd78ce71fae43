import Foundation
import Knowledge

/// A program of another package that reads what Almanac does not read itself. Optional: nil where it is not installed.
struct Tool: Sendable {
    /// Where it is, as an absolute path.
    let path: String

    /// Looks for the program in `PATH`, or where systems keep their programs if there is no `PATH`.
    init?(named name: String) {
        let folders = ProcessInfo.processInfo.environment["PATH"] ?? Self.systemFolders
        let paths = folders.split(separator: ":").filter { $0.hasPrefix("/") }.map { "\($0)/\(name)" }
        guard let path = paths.first(where: { access($0, X_OK) == 0 }) else { return nil }
        self.path = path
    }

    static let systemFolders = "/usr/local/bin:/usr/bin:/bin"
}

extension Tool {
    /// What a program said until it ended.
    struct Answer {
        var output: [UInt8]
        /// The beginning of what it wrote to its standard error, at most 4 KiB.
        var messages: String
        /// Its exit status; nil if a signal ended it.
        var status: Int32?
    }

    /// Runs the program on `input` and waits for its end. Blocks the thread.
    ///
    /// No shell, no temporary file; the program gets an almost empty environment and no open file but its three pipes.
    /// What it starts is in its process group, and the group is killed at the deadline and when the output is too long.
    ///
    /// - Throws: `.timedOut`; `.tooLarge` for more output than `maxOutputBytes`; `.internalError` if it cannot start.
    func run(
        _ arguments: [String], input: [UInt8], maxOutputBytes: Int, until deadline: ContinuousClock.Instant
    ) throws(DocumentFailure) -> Answer {
        var process = try ToolProcess(path: path, arguments: arguments)
        defer { process.end() }
        try process.exchange(input, maxOutputBytes: maxOutputBytes, until: deadline)
        let status = try process.wait(until: deadline)
        return Answer(
            output: process.output, messages: String(decoding: process.messages, as: UTF8.self), status: status
        )
    }
}

/// The programs that read PDF documents and pictures.
struct Tools: Sendable {
    var pdfinfo = Tool(named: "pdfinfo")
    var pdftotext = Tool(named: "pdftotext")
    var pdftohtml = Tool(named: "pdftohtml")
    var pdftoppm = Tool(named: "pdftoppm")
    var tesseract = Tool(named: "tesseract")

    /// Those of this machine; looked for once.
    static let installed = Tools()
    static let none = Tools(pdfinfo: nil, pdftotext: nil, pdftohtml: nil, pdftoppm: nil, tesseract: nil)
}

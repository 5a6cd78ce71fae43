import Foundation

/// Data goes to standard output, everything else to standard error.
enum Terminal {
    static func print(_ text: String) { FileHandle.standardOutput.write(Data((text + "\n").utf8)) }

    static func note(_ text: String) { FileHandle.standardError.write(Data((text + "\n").utf8)) }

    /// Whether somebody watches the progress.
    static var isInteractive: Bool { isatty(STDERR_FILENO) == 1 && environment["TERM"] != "dumb" }

    static var environment: [String: String] { ProcessInfo.processInfo.environment }

    /// One line that is rewritten as work goes on; nothing where nobody watches.
    static func progress(_ text: String) {
        guard isInteractive else { return }
        FileHandle.standardError.write(Data("\r\u{1B}[2K\(text)".utf8))
    }

    static func endProgress() { progress("") }

    /// A table for people, tab-separated lines for programs.
    static func table(_ header: [String], _ rows: [[String]]) {
        guard isatty(STDOUT_FILENO) == 1 else {
            for row in rows { print(row.joined(separator: "\t")) }
            return
        }
        let lines = [header] + rows
        let widths = header.indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
        for line in lines {
            print(zip(line, widths).map { $0.padding(toLength: $1, withPad: " ", startingAt: 0) }.joined(separator: "  "))
        }
    }
}

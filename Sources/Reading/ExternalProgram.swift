import Foundation
import Knowledge

/// A program of the system's that makes more formats readable where it is installed.
package struct ExternalProgram: Sendable {
    package var name: String
    /// What cannot be read without it.
    package var enables: String
    /// The Debian package that has it.
    package var package: String
    var versionArgument: String

    package static let known = [
        ExternalProgram(name: "pdftotext", enables: "PDF documents", package: "poppler-utils", versionArgument: "-v"),
        ExternalProgram(
            name: "tesseract", enables: "pictures and scanned pages", package: "tesseract-ocr",
            versionArgument: "--version"),
    ]

    /// Where it is and what it says of its version, nil where it is not.
    package func find() async throws -> (path: String, version: String)? {
        guard let path = Self.path(of: name) else { return nil }
        let child = ChildProcess(
            program: path, arguments: [versionArgument], timeout: .seconds(5), maxOutputBytes: 64 << 10)
        let outcome = try await Workers(count: 1, name: "versions").run {
            try child.run(input: [], killSwitch: KillSwitch())
        }
        let said = String(decoding: outcome.output, as: UTF8.self) + "\n" + outcome.errors
        let line = said.split(separator: "\n").first ?? "of unknown version"
        return (path, String(line.prefix(80)))
    }

    /// Where a program stands that readers and converters start by this name.
    package static func path(of name: String) -> String? {
        let folders = ChildProcess.plainEnvironment["PATH", default: ""].split(separator: ":")
        let paths = name.contains("/") ? [name] : folders.map { "\($0)/\(name)" }
        return paths.first { access($0, X_OK) == 0 }
    }
}

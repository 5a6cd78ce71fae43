import Foundation
package import Knowledge

/// A program or a service of the operator's that turns files without a reader into files with one.
package struct Converter: Sendable {
    package enum Way: Sendable {
        /// A program and its arguments. `{input}` stands for the file, `{outdir}` for a folder to leave one file in; without
        /// the latter the program writes to standard output.
        case command([String])
        /// Where the file is sent by POST; the answer's body is the result.
        case service(url: String, body: Body)
    }

    package enum Body: String, Sendable, CaseIterable {
        /// A form with the part `file`.
        case multipart
        case raw
    }

    /// What comes out.
    package enum Output: String, Sendable, CaseIterable {
        case text, markdown, html

        var suffix: String {
            switch self {
            case .text: "txt"
            case .markdown: "md"
            case .html: "html"
            }
        }
    }

    package var name: String
    /// In lower case, without the dot. Only letters and digits: they become part of a path.
    package var suffixes: Set<String>
    package var way: Way
    package var output: Output
    package var timeoutSeconds = 120
    /// Of a program, private memory of each of its processes.
    package var memoryMegabytes = 4_096

    /// The most that one conversion may give.
    package static let maxOutputBytes = 64 << 20

    package init(name: String, suffixes: Set<String>, way: Way, output: Output) {
        self.name = name
        self.suffixes = suffixes
        self.way = way
        self.output = output
    }

    /// The suffix of a file that is for this converter, else nil.
    func suffix(of filename: String) -> String? {
        let suffix = URL(fileURLWithPath: filename).pathExtension.lowercased()
        return suffixes.contains(suffix) ? suffix : nil
    }

    /// What a document is told that this converter could not read.
    package func failed(_ reason: DocumentFailure.Reason = .unreadable) -> DocumentFailure {
        switch reason {
        case .timedOut:
            DocumentFailure(
                .timedOut, "The converter '\(name)' took longer than \(timeoutSeconds) seconds for this file.")
        case .tooLarge: DocumentFailure(.tooLarge, "The converter '\(name)' made more than 64 MiB of this file.")
        case .readerCrashed:
            DocumentFailure(
                .readerCrashed, "The converter '\(name)' ended before it was done. The file is probably damaged.")
        default:
            DocumentFailure(
                reason, "The converter '\(name)' could not read this file. It is damaged, or not what its name says.")
        }
    }
}

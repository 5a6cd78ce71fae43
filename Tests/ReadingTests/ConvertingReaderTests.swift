import Documents
import Foundation
import Knowledge
import Logging
import TestSupport
import Testing

@testable import Reading

@Suite("A converter")
struct ConvertingReaderTests {
    private static let logger: Logger = {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return logger
    }()

    private func read(
        _ content: String, _ filename: String = "old.DOC", by script: String, arguments: [String] = ["{input}"],
        reads output: Converter.Output = .markdown, seconds: Int = 60
    ) async throws -> ExtractedText {
        var converter = Converter(
            name: "test", suffixes: ["doc"], way: .command(["/bin/sh", "-c", script, "sh"] + arguments), output: output)
        converter.timeoutSeconds = seconds
        let reader = ConvertingReader(
            [converter], settings: ReadingSettings(), reader: InProcessReader(workers: Workers(count: 1, name: "test")),
            program: built("almanac"), logger: Self.logger
        ) { data, _, _ in data }
        return try await reader.read(Data(content.utf8), filename: filename)
    }

    private func failure(_ script: String, arguments: [String] = ["{input}"], seconds: Int = 60) async throws
        -> DocumentFailure.Reason?
    {
        do {
            _ = try await read("Text.", by: script, arguments: arguments, seconds: seconds)
            return nil
        } catch let failure as DocumentFailure {
            return failure.reason
        }
    }

    @Test("makes what its program writes out, or leaves in its folder, a document like any other")
    func commands() async throws {
        let written = try await read("one two", by: ##"echo "# Title"; echo; cat "$1""##)
        #expect(written.title == "Title")
        #expect(written.text == "Title\n\none two")
        #expect(written.warnings.contains { $0.contains("'test'") })
        let left = try await read(
            "<p>one", by: #"cp "$1" "$2"/any.name"#, arguments: ["{input}", "{outdir}"], reads: .html)
        #expect(left.text == "one")
    }

    @Test("is not asked about other files")
    func others() async throws {
        #expect(try await read("Text.", "a.txt", by: "exit 1").text == "Text.")
    }

    @Test("that fails takes only its document with it")
    func failures() async throws {
        #expect(try await failure("exit 3") == .unreadable)
        #expect(try await failure("kill -SEGV $$") == .readerCrashed)
        #expect(try await failure("sleep 600 & sleep 600", seconds: 1) == .timedOut)
        #expect(try await failure("exec yes") == .tooLarge)
        #expect(try await failure("true") == .empty)
        #expect(try await failure("true", arguments: ["{outdir}"]) == .unreadable)
        #expect(try await failure(#"ln -s /etc/passwd "$1"/link"#, arguments: ["{outdir}"]) == .unreadable)
        #expect(try await failure(#"mkfifo "$1"/pipe"#, arguments: ["{outdir}"]) == .unreadable)
    }

    @Test("that is not installed is tried again later")
    func missing() async throws {
        let converter = Converter(
            name: "none", suffixes: ["doc"], way: .command(["/nonexistent", "{input}"]), output: .text)
        let reader = ConvertingReader(
            [converter], settings: ReadingSettings(), reader: InProcessReader(workers: Workers(count: 1, name: "test")),
            program: built("almanac"), logger: Self.logger
        ) { data, _, _ in data }
        await #expect(throws: ReaderUnusable.self) { try await reader.read(Data("Text.".utf8), filename: "a.doc") }
    }
}

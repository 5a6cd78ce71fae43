import Documents
import Foundation
import Knowledge
import Logging
import Synchronization
import TestSupport
import Testing

@testable import Reading

@Suite("A document that is read in a process of its own")
struct SandboxedReaderTests {
    private static let logger: Logger = {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return logger
    }()

    private static func reader(
        _ program: String = built("almanac"), _ change: (inout ReadingSettings) -> Void = { _ in }
    ) -> SandboxedReader {
        var settings = ReadingSettings()
        change(&settings)
        return SandboxedReader(settings, program: program, logger: logger)
    }

    /// A shell script in a folder of its own, in the place of the reader.
    private struct Script {
        let folder = try? TemporaryDirectory()
        var path: String { (folder?.path ?? "") + "/reader" }

        init(_ text: String) throws {
            let made = FileManager.default.createFile(
                atPath: path, contents: Data("#!/bin/sh\n\(text)\n".utf8), attributes: [.posixPermissions: 0o700])
            try #require(made)
        }
    }

    private func failure(_ script: String, _ change: (inout ReadingSettings) -> Void = { _ in }) async throws
        -> DocumentFailure.Reason?
    {
        let script = try Script(script)
        do {
            _ = try await Self.reader(script.path, change).read(Data("Text.".utf8), filename: "a.txt")
            return nil
        } catch let failure as DocumentFailure {
            return failure.reason
        }
    }

    private static let sampleFiles: [URL] = {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../SampleDocs").standardizedFileURL
        let files = try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        return files ?? []
    }()

    @Test("is the same text as in this process", arguments: sampleFiles)
    func samples(_ file: URL) async throws {
        let data = try Data(contentsOf: file)
        let expected = try TextExtractor().extract(data, filename: file.lastPathComponent)
        #expect(try await Self.reader().read(data, filename: file.lastPathComponent) == expected)
    }

    @Test(
        "is the same text as in this process where only its content says that it needs a table of the system's",
        arguments: [
            #"{\rtf1\ansi\ansicpg932 \'93\'8c\'8b\'9e}"#,
            "Return-Path: <a@b>\nSubject: a\nContent-Type: text/plain; charset=iso-8859-2\n"
                + "Content-Transfer-Encoding: quoted-printable\n\n=B1=B6=BC",
            "\u{1B}$B$3$l$OF|K\\8l$NJ8>O$G$9!#El5~$O:#F|$H$F$b4($$$N$G!\u{1B}(B",
        ])
    func bareNames(_ content: String) async throws {
        let data = Data(content.utf8)
        let expected = try TextExtractor().extract(data, filename: "a.txt")
        #expect(expected.text.utf8.contains { $0 >= 0x80 })
        #expect(try await Self.reader().read(data, filename: "a.txt") == expected)
    }

    @Test("fails for the reason that its reader gives")
    func ownFailures() async throws {
        for (name, data) in [("a.txt", Data("  ".utf8)), ("b.gz", Data([0x1F, 0x8B, 8, 0])), ("c.txt", Data())] {
            let expected = #expect(throws: DocumentFailure.self) { try TextExtractor().extract(data, filename: name) }
            let failure = await #expect(throws: DocumentFailure.self) {
                try await Self.reader().read(data, filename: name)
            }
            #expect(failure == expected)
        }
    }

    @Test("fails alone when its reader crashes, hangs, babbles or never ends")
    func brokenReaders() async throws {
        #expect(try await failure("exit 0") == .readerCrashed)
        #expect(try await failure("kill -SEGV $$") == .readerCrashed)
        #expect(try await failure("cat >/dev/null; exit 3") == .readerCrashed)
        #expect(try await failure("cat") == .readerCrashed)
        #expect(try await failure("exec yes") == .readerCrashed)
        #expect(try await failure("printf alm-text; head -c 24 /dev/zero") == .readerCrashed)
        #expect(try await failure("kill -XCPU $$") == .timedOut)
        #expect(try await failure("kill -ALRM $$") == .timedOut)
        #expect(
            try await failure("sleep 600 & sleep 600") { ($0.timeoutSeconds, $0.recognitionSeconds) = (1, 0) }
                == .timedOut)
        #expect(try await failure("echo 'failed to allocate 9 bytes' >&2; kill -ILL $$") == .tooLarge)
    }

    @Test("is tried again later when there is no reader, which is not the document's fault")
    func noReader() async throws {
        for program in ["/nonexistent/reader", try Script("exit 71").path] {
            await #expect(throws: ReaderUnusable.self) {
                try await Self.reader(program).read(Data("Text.".utf8), filename: "a.txt")
            }
        }
    }

    @Test("takes no more memory than it may")
    func memory() async throws {
        let large = Data(repeating: UInt8(ascii: "a"), count: 62 << 20)
        let failure = await #expect(throws: DocumentFailure.self) {
            try await Self.reader { $0.memoryMegabytes = 64 }.read(large, filename: "a.txt")
        }
        #expect(failure?.reason == .tooLarge)
    }

    @Test("waits until one of the readers is free")
    func oneAtATime() async throws {
        let folder = try TemporaryDirectory()
        // Whoever finds the folder of another one there is not alone.
        let script = try Script(
            "mkdir \(folder.path)/busy || touch \(folder.path)/crowd; sleep 0.02; rmdir \(folder.path)/busy")
        let reader = Self.reader(script.path) { $0.readers = 1 }
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask { _ = try? await reader.read(Data("Text.".utf8), filename: "a.txt") }
            }
        }
        #expect(!FileManager.default.fileExists(atPath: folder.path + "/crowd"))
    }

    @Test("is dropped at once when nobody wants it any more, with all that its reader started")
    func cancellation() async throws {
        let folder = try TemporaryDirectory()
        let fifo = folder.path + "/started"
        try #require(mkfifo(fifo, 0o600) == 0)
        // Both hold the pipe open for writing, one from a process group of its own. It ends once both are gone.
        let script = try Script("set -m; exec 5>\(fifo); sleep 600 & echo started >&5; sleep 600")
        let reader = Self.reader(script.path)
        let reading = Task { try await reader.read(Data("Text.".utf8), filename: "a.txt") }
        let watcher = Workers(count: 1, name: "watcher")
        let started = try await watcher.run {
            let file = open(fifo, O_RDONLY)
            var line = [UInt8](repeating: 0, count: 8)
            return (file, read(file, &line, 8))
        }
        #expect(started.1 == 8)
        reading.cancel()
        await #expect(throws: CancellationError.self) { try await reading.value }
        let rest = try await watcher.run {
            var byte: UInt8 = 0
            return read(started.0, &byte, 1)
        }
        #expect(rest == 0)
        close(started.0)
    }

    @Test("leaves no temporary files behind")
    func traces() async throws {
        let script = try Script(#"echo $TMPDIR > "$0.place"; mkdir $TMPDIR/deep; touch $TMPDIR/deep/file"#)
        _ = try? await Self.reader(script.path).read(Data("Text.".utf8), filename: "a.txt")
        let place = try String(contentsOfFile: script.path + ".place", encoding: .utf8)
            .trimmingCharacters(in: .whitespacesAndNewlines)
        #expect(!place.isEmpty)
        #expect(!FileManager.default.fileExists(atPath: place))
    }
}

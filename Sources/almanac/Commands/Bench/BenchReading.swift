import ArgumentParser
import Documents
import Foundation
import Knowledge
import Logging
import Service
import Vectors

/// How fast documents become text and text becomes chunks, by format, on one thread of this process.
struct BenchReading: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reading", abstract: "Read and cut the files of a folder, and say how fast that was.")

    @OptionGroup var place: Place

    @Argument(help: "Files, or folders of files of trusted origin: they are read in this very process.")
    var paths: [String]

    @Option(help: "Seconds of work a format and stage.")
    var seconds = 1.0

    @Flag(help: "Leave out what other programs read: PDF documents and pictures.")
    var onlyOwn = false

    @Flag(help: "Print the result as JSON.")
    var json = false

    /// What became of the files of one format.
    private struct Figures {
        var format: String
        var files = 0
        var bytes = 0
        var textBytes = 0
        var chunks = 0
        /// Of the processor, for one pass over the files.
        var readSeconds = 0.0
        var cutSeconds = 0.0
    }

    func validate() throws {
        guard (0.001...600).contains(seconds) else { throw ValidationError("--seconds must be between 0.001 and 600.") }
    }

    func run() async throws {
        let logger = Logger(label: "almanac") { StreamLogHandler.standardError(label: $0) }
        let embedder = try await buildEmbedders(place.configuration(), logger: logger).standard
        let chunker = Chunker(window: embedder.model.window, counter: embedder)
        let byFormat = Dictionary(grouping: try files()) { $0.pathExtension.lowercased() }
        var all: [Figures] = []
        for (format, files) in byFormat.sorted(by: { $0.key < $1.key }) {
            if let figures = try measure(format, files, chunker) { all.append(figures) }
        }
        if json { return try Terminal.print(json: .array(all.map(Self.json))) }
        Terminal.table(
            ["FORMAT", "FILES", "MB", "READ MB/S", "READ FILES/S", "TEXT MB", "CUT MB/S", "CHUNKS"], all.map(Self.row))
    }

    private func files() throws -> [URL] {
        try paths.flatMap { path -> [URL] in
            let isFolder = (try? URL(fileURLWithPath: path).resourceValues(forKeys: [.isDirectoryKey]))?.isDirectory
            return isFolder == true ? try FolderFile.all(in: path).map(\.url) : [URL(fileURLWithPath: path)]
        }
    }

    /// nil where no file of them can be read.
    private func measure(_ format: String, _ files: [URL], _ chunker: Chunker) throws -> Figures? {
        var figures = Figures(format: format)
        var sources: [(bytes: [UInt8], name: String)] = []
        var texts: [(text: ExtractedText, name: String)] = []
        for file in files {
            let (bytes, name) = (Array(try Data(contentsOf: file)), file.lastPathComponent)
            if onlyOwn, TextExtractor.mayNeedPrograms(bytes, filename: name) { continue }
            guard let text = try? TextExtractor().extract(bytes, filename: name) else { continue }
            sources.append((bytes, name))
            texts.append((text, name))
        }
        guard !texts.isEmpty else { return nil }
        figures.files = texts.count
        figures.bytes = sources.reduce(0) { $0 + $1.bytes.count }
        figures.textBytes = texts.reduce(0) { $0 + $1.text.text.utf8.count }
        figures.readSeconds = time {
            for source in sources { _ = try? TextExtractor().extract(source.bytes, filename: source.name) }
        }
        figures.cutSeconds = time {
            figures.chunks = texts.reduce(0) {
                $0 + chunker.chunks(of: $1.text, chunking: .structured, filename: $1.name).count
            }
        }
        return figures
    }

    /// Seconds of the processor that one pass takes, those of programs that it waits for included; the fastest of several.
    private func time(_ pass: () -> Void) -> Double {
        var (best, spent) = (Double.infinity, 0.0)
        repeat {
            let before = Self.processorSeconds
            pass()
            let taken = Self.processorSeconds - before
            best = min(best, taken)
            spent += max(taken, 1e-6)
        } while spent < seconds
        return max(best, 1e-6)
    }

    private static var processorSeconds: Double {
        [RUSAGE_SELF, RUSAGE_CHILDREN].reduce(0) { sum, who in
            var usage = rusage()
            getrusage(__rusage_who_t(truncatingIfNeeded: who.rawValue), &usage)
            let microseconds = usage.ru_utime.tv_usec + usage.ru_stime.tv_usec
            return sum + Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + Double(microseconds) / 1e6
        }
    }

    private static func json(_ figures: Figures) -> JSONValue {
        [
            "format": .string(figures.format), "files": .integer(figures.files), "bytes": .integer(figures.bytes),
            "text_bytes": .integer(figures.textBytes), "chunks": .integer(figures.chunks),
            "read_seconds": .number(figures.readSeconds), "cut_seconds": .number(figures.cutSeconds),
            "read_mb_per_second": .number((Double(figures.bytes) / 1e6 / figures.readSeconds).rounded(to: 1)),
            "read_files_per_second": .number((Double(figures.files) / figures.readSeconds).rounded(to: 1)),
            "cut_mb_per_second": .number((Double(figures.textBytes) / 1e6 / figures.cutSeconds).rounded(to: 1)),
        ]
    }

    private static func row(_ figures: Figures) -> [String] {
        let numbers = [
            Double(figures.bytes) / 1e6, Double(figures.bytes) / 1e6 / figures.readSeconds,
            Double(figures.files) / figures.readSeconds, Double(figures.textBytes) / 1e6,
            Double(figures.textBytes) / 1e6 / figures.cutSeconds,
        ].map { "\($0.rounded(to: 1))" }
        return [figures.format, "\(figures.files)"] + numbers + ["\(figures.chunks)"]
    }
}

import ArgumentParser
import Documents
import Foundation
import Knowledge
import Logging
import Service
import Vectors

struct Extract: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Show the text that a file would be indexed by.")

    enum Format: String, ExpressibleByArgument, CaseIterable { case text, json, md }

    @OptionGroup var place: Place

    @Argument(help: "The file.")
    var file: String

    @Option(help: "text, json (with blocks and their places), or md.")
    var format = Format.text

    func run() async throws {
        let logger = Logger(label: "almanac") { StreamLogHandler.standardError(label: $0) }
        let text = try await ExtractedText(readingFrom: file, by: buildReader(place.configuration(), logger: logger))
        switch format {
        case .text: Terminal.print(text.text)
        case .md: Terminal.print(Self.markdown(text))
        case .json: try Terminal.print(json: Self.json(text))
        }
        for warning in text.warnings { Terminal.note("warning: \(warning)") }
    }

    private static func json(_ text: ExtractedText) -> JSONValue {
        let blocks = zip(text.blocks, text.headingPaths()).map { block, path -> JSONValue in
            var fields: [String: JSONValue] = [
                "kind": .string("\(block.kind)".prefix { $0 != "(" }.description),
                "start": .integer(block.bytes.lowerBound), "end": .integer(block.bytes.upperBound),
                "heading_path": .array(path.map(JSONValue.string)),
            ]
            fields["level"] = block.headingLevel.map(JSONValue.integer)
            fields["page"] = block.page.map(JSONValue.integer)
            return .object(fields)
        }
        return [
            "title": text.title.map(JSONValue.string) ?? .null, "text": .string(text.text), "blocks": .array(blocks),
            "warnings": .array(text.warnings.map(JSONValue.string)),
        ]
    }

    /// Headings and code marked again, everything else as it is.
    private static func markdown(_ text: ExtractedText) -> String {
        let bytes = Array(text.text.utf8)
        return text.blocks.map { block in
            let content = String(decoding: bytes[block.bytes], as: UTF8.self)
            if let level = block.headingLevel { return String(repeating: "#", count: level) + " " + content }
            return block.kind == .code ? "```\n\(content)\n```" : content
        }.joined(separator: "\n\n")
    }
}

struct ChunkCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "chunk", abstract: "Show how a file would be cut.")

    @OptionGroup var place: Place

    @Argument(help: "The file.")
    var file: String

    @Flag(help: "Print the result as JSON.")
    var json = false

    func run() async throws {
        let configuration = try place.configuration()
        let logger = Logger(label: "almanac") { StreamLogHandler.standardError(label: $0) }
        let text = try await ExtractedText(readingFrom: file, by: buildReader(configuration, logger: logger))
        let embedder = try await buildEmbedders(configuration, logger: logger).standard
        let name = URL(fileURLWithPath: file).lastPathComponent
        let chunks = Chunker(window: embedder.model.window, counter: embedder)
            .chunks(of: text, chunking: .structured, filename: name)
        if json { return try Terminal.print(json: .array(chunks.map(Self.json))) }
        for chunk in chunks {
            Terminal.print("── \(chunk.tokenCount) tokens · \(chunk.headingPath.joined(separator: " › "))")
            Terminal.print(chunk.text)
        }
    }

    private static func json(_ chunk: Chunk) -> JSONValue {
        [
            "text": .string(chunk.text), "context": .string(chunk.context), "tokens": .integer(chunk.tokenCount),
            "start": .integer(chunk.characters.lowerBound), "end": .integer(chunk.characters.upperBound),
            "heading_path": .array(chunk.headingPath.map(JSONValue.string)),
            "page": chunk.page.map(JSONValue.integer) ?? .null, "locator": chunk.locator.map(JSONValue.string) ?? .null,
        ]
    }
}

extension ExtractedText {
    /// Reads a file as indexing would.
    fileprivate init(readingFrom path: String, by reader: any DocumentReader) async throws {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw CommandFailure(.notFound, "There is no file at \(path), or it cannot be read.")
        }
        do {
            self = try await reader.read(data, filename: URL(fileURLWithPath: path).lastPathComponent)
        } catch let failure as DocumentFailure {
            throw CommandFailure(.failed, "\(path): \(failure.message)")
        }
    }
}

import Documents
import Foundation
import Knowledge
import Testing

/// Files that stand beside the repository on some machines: `manifest.tsv` says which snippets each must give.
enum DevelopmentData {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../../shared/data/docs")

    /// Formats that are read without other programs or libraries.
    static let formats = ["txt", "md", "html", "csv", "tsv", "json", "jsonl", "eml", "rtf", "xml"]

    struct Row: CustomTestStringConvertible {
        var format: String
        var file: String
        var snippets: [String]
        var testDescription: String { file }
    }

    static let rows: [Row] = {
        guard let manifest = try? String(contentsOf: folder.appending(path: "manifest.tsv"), encoding: .utf8) else { return [] }
        return manifest.split(separator: "\n").dropFirst().compactMap { line in
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            guard fields.count > 6, formats.contains(fields[2]), fields[4] == "text" else { return nil }
            return Row(format: fields[2], file: fields[1], snippets: fields[6].split(separator: "¦").map(String.init))
        }
    }()

    static func bytes(_ row: Row) throws -> [UInt8] { try Array(Data(contentsOf: folder.appending(path: row.file))) }

    static func normalised(_ text: String) -> String {
        text.precomposedStringWithCompatibilityMapping.replacing("\u{AD}", with: "").replacing("|", with: " ").lowercased()
            .split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }
}

@Suite("Real documents give", .enabled(if: !DevelopmentData.rows.isEmpty))
struct RealDocumentTests {
    @Test("nearly every snippet of every format", arguments: Set(DevelopmentData.rows.map(\.format)).sorted())
    func share(format: String) throws {
        var (found, all) = (0, 0)
        for row in DevelopmentData.rows where row.format == format {
            let text = try TextExtractor().extract(DevelopmentData.bytes(row), filename: row.file)
            let normalised = DevelopmentData.normalised(text.text)
            all += row.snippets.count
            found += row.snippets.count { normalised.contains(DevelopmentData.normalised($0)) }
        }
        #expect(Double(found) >= 0.95 * Double(all))
    }

    @Test("chunks that keep every promise", arguments: DevelopmentData.rows)
    func chunks(row: DevelopmentData.Row) throws {
        let text = try TextExtractor().extract(DevelopmentData.bytes(row), filename: row.file)
        checkStructure(of: text)
        for chunking in [Chunking.structured, .fixed(maxTokens: 100, overlapTokens: 25)] {
            ChunkPromises(text: text, window: 254, counter: PieceCounter(), chunking: chunking).check()
        }
    }
}

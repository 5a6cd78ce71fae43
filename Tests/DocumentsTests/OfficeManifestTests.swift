import Documents
import Foundation
import Knowledge
import TestSupport
import Testing

/// Real files of the office formats, beside the repository on some machines.
enum OfficeFiles {
    struct Row: CustomTestStringConvertible {
        var path: String
        var format: String
        var expectation: String
        var snippets: [String]
        var testDescription: String { path }

        func read() throws -> ExtractedText {
            let folder = try #require(sharedMaterial("data/docs"))
            return try TextExtractor().extract(Data(contentsOf: folder.appendingPathComponent(path)), filename: path)
        }
    }

    static let rows: [Row] = {
        guard let url = sharedMaterial("data/docs/manifest.tsv"), let manifest = try? String(contentsOf: url, encoding: .utf8)
        else { return [] }
        return manifest.split(separator: "\n").dropFirst().compactMap { line in
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            let formats = ["docx", "pptx", "xlsx", "odt", "ods", "odp", "epub"]
            guard fields.count > 6, formats.contains(fields[2]) else { return nil }
            let snippets = fields[6].split(separator: "¦").map(String.init)
            return Row(path: fields[1], format: fields[2], expectation: fields[4], snippets: snippets)
        }
    }()

    static func rows(_ expectation: String) -> [Row] { rows.filter { $0.expectation == expectation } }
}

@Suite("Real office documents", .enabled(if: !OfficeFiles.rows.isEmpty))
struct OfficeManifestTests {
    @Test("give nineteen of twenty snippets that people see in them, and nine of ten in each format")
    func snippets() throws {
        var counts: [String: (found: Int, all: Int)] = [:]
        var missing: [String] = []
        for row in OfficeFiles.rows("text") {
            let text = try? row.read()
            if let text { checkStructure(of: text) }
            let found = DevelopmentData.normalised(text?.text ?? "")
            for snippet in row.snippets {
                let isFound = found.contains(DevelopmentData.normalised(snippet))
                counts[row.format, default: (0, 0)].all += 1
                if isFound { counts[row.format, default: (0, 0)].found += 1 } else { missing.append("\(row.path): \(snippet)") }
            }
        }
        let found = counts.values.reduce(0) { $0 + $1.found }, all = counts.values.reduce(0) { $0 + $1.all }
        let list = missing.joined(separator: "\n")
        #expect(Double(found) >= 0.95 * Double(all), "\(found) of \(all)\n\(list)")
        for (format, count) in counts {
            #expect(Double(count.found) >= 0.9 * Double(count.all), "\(format): \(count)\n\(list)")
        }
    }

    @Test("say that a password stands before them", arguments: OfficeFiles.rows("refuse-without-password"))
    func encrypted(row: OfficeFiles.Row) {
        let failure = #expect(throws: DocumentFailure.self) { try row.read() }
        #expect(failure?.reason == .encrypted)
    }

    @Test("that are damaged or empty give an answer", arguments: OfficeFiles.rows("no-text-or-partial"))
    func damaged(row: OfficeFiles.Row) {
        do { checkStructure(of: try row.read()) } catch {
            #expect((error as? DocumentFailure)?.message.isEmpty == false)
        }
    }

    @Test("become chunks that keep every promise", arguments: OfficeFiles.rows("text"))
    func chunks(row: OfficeFiles.Row) throws {
        let text = try row.read()
        ChunkPromises(text: text, window: 254, counter: PieceCounter(), chunking: .structured).check()
    }
}

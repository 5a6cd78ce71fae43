@testable import Documents
import Foundation
import Knowledge
import TestSupport
import Testing

@Suite("Real PDF documents", .enabled(if: hasPoppler && sharedMaterial("data/docs/manifest.tsv") != nil))
struct RealPDFTests {
    private struct Row {
        var file: String
        var expectation: String
        var snippets: [String]
    }

    private func rows() throws -> [Row] {
        let manifest = try String(contentsOf: try #require(sharedMaterial("data/docs/manifest.tsv")), encoding: .utf8)
        return manifest.split(separator: "\n").dropFirst().compactMap { line in
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            guard fields.count > 6, fields[2] == "pdf" else { return nil }
            return Row(file: fields[1], expectation: fields[4], snippets: fields[6].split(separator: "¦").map(String.init))
        }
    }

    private func extracted(_ row: Row) throws -> Result<ExtractedText, DocumentFailure> {
        let url = try #require(sharedMaterial("data/docs/\(row.file)"))
        let data = [UInt8](try Data(contentsOf: url))
        return Result { () throws(DocumentFailure) in try PDFReader(tools: popplerOnly).read(data) }
    }

    @Test("give 95 % of the snippets that people see in them")
    func snippets() throws {
        var (found, all): (Int, Int) = (0, 0)
        for row in try rows() where row.expectation == "text" {
            let text = (try? extracted(row).get()).map { DevelopmentData.normalised($0.text) } ?? ""
            for snippet in row.snippets {
                // Where a snippet ends with half a word, the text has the whole one.
                let wanted = DevelopmentData.normalised(snippet)
                all += 1
                let isFound = text.contains(wanted.hasSuffix("-") ? String(wanted.dropLast()) : wanted)
                if isFound { found += 1 }
            }
        }
        #expect(found * 100 >= all * 95, "\(found) of \(all)")
    }

    @Test("that are locked, pictures or broken end with a reason, the locked and the pictures with the right one")
    func failures() throws {
        for row in try rows() where row.expectation != "text" {
            let result = try extracted(row)
            if case .success(let text) = result { checkStructure(of: text) }
            guard case .failure(let failure) = result else {
                #expect(["best-effort-text", "no-text-or-partial"].contains(row.expectation), "\(row.file)")
                continue
            }
            switch row.expectation {
            case "refuse-without-password": #expect(failure.reason == .encrypted, "\(row.file)")
            case "text-only-with-ocr": #expect(failure.reason == .noTextLayer, "\(row.file)")
            default: #expect([.unreadable, .empty, .noTextLayer, .timedOut].contains(failure.reason), "\(row.file)")
            }
        }
    }

    /// Pages of reports as another reader sees them.
    private struct Page: Decodable {
        var _id: String
        var title: String
        var text: String
    }

    @Test("have their words on the pages that another reader finds them on")
    func pages() throws {
        let lines = try String(contentsOf: try #require(sharedMaterial("data/sec10q-dev/pages.jsonl")), encoding: .utf8)
        let pages = try lines.split(separator: "\n").map { try JSONDecoder().decode(Page.self, from: Data($0.utf8)) }
        var (good, all): (Int, Int) = (0, 0)
        // One quarter of each company; the others are made in the same way.
        for title in Set(pages.map(\.title)).sorted().prefix(3) {
            let url = try #require(sharedMaterial("data/sec10q-dev/pdf/\(title).pdf"))
            let text = try PDFReader(tools: popplerOnly).read([UInt8](Data(contentsOf: url)))
            checkStructure(of: text)
            let bytes = Array(text.text.utf8)
            var ours: [Int: String] = [:]
            for block in text.blocks { ours[block.page ?? 0, default: ""] += String(decoding: bytes[block.bytes], as: UTF8.self) + " " }
            for page in pages where page.title == title {
                guard let number = page._id.split(separator: "#p").last.flatMap({ Int($0) }) else { continue }
                all += 1
                if Self.coverage(of: page.text, by: ours[number] ?? "") >= 0.95 { good += 1 }
            }
        }
        #expect(all > 0 && good * 100 >= all * 95, "\(good) of \(all)")
    }

    private static func coverage(of reference: String, by text: String) -> Double {
        func words(_ text: String) -> [Substring] {
            DevelopmentData.normalised(text).split { !$0.isLetter && !$0.isNumber }
        }
        let wanted = words(reference)
        var left = words(text).reduce(into: [:]) { $0[$1, default: 0] += 1 }
        let found = wanted.count { word in
            guard let count = left[word], count > 0 else { return false }
            left[word] = count - 1
            return true
        }
        return wanted.isEmpty ? 1 : Double(found) / Double(wanted.count)
    }
}

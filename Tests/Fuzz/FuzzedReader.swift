import Foundation
import Knowledge

@testable import Documents

/// What was written by hand and reads bytes from strangers.
enum FuzzedReader: String, CaseIterable {
    case zip, csv, mime, mailbox, multipart, jsonlines, json, rtf, html, markdown, encoding, xml, notebook, code, office

    func read(_ bytes: [UInt8]) {
        switch self {
        case .zip:
            readArchive(bytes)
            readDocument(bytes, named: "a.docx")
        case .csv: readDocument(bytes, named: "a.csv")
        case .mime: readDocument(bytes, named: "a.eml")
        case .mailbox: readDocument(bytes, named: "a.mbox")
        case .multipart: readForm(bytes)
        case .jsonlines: readDocument(bytes, named: "a.jsonl")
        case .json:
            readRequest(bytes)
            readDocument(bytes, named: "a.json")
        case .rtf: readDocument(bytes, named: "a.rtf")
        case .html: readDocument(bytes, named: "a.html")
        case .markdown: readDocument(bytes, named: "a.md")
        case .encoding: readDocument(bytes, named: "a.txt")
        case .xml: readDocument(bytes, named: "a.xml")
        case .notebook: readDocument(bytes, named: "a.ipynb")
        case .code: readDocument(bytes, named: "a.swift")
        case .office: readOffice(bytes)
        }
    }

    /// As an upload is read: text, structure, chunks, or a reason why not.
    private func readDocument(_ bytes: [UInt8], named name: String) {
        guard let text = try? TextExtractor().extract(bytes, filename: name) else { return }
        checkStructure(of: text)
        checkChunks(of: text)
    }

    private func readArchive(_ bytes: [UInt8]) {
        guard var archive = try? ZipArchive(bytes) else { return }
        var total = 0
        for entry in archive.entries {
            promise(entry.packed.upperBound <= bytes.count, "an entry ends outside of its archive")
            total += (try? archive.content(of: entry))?.count ?? 0
        }
        promise(total <= 200 * (bytes.count + ZipArchive.ratioGrace * archive.entries.count), "a bomb was unpacked")
    }

    /// The first byte chooses the kind of document that the others are the main part of.
    private func readOffice(_ bytes: [UInt8]) {
        guard let kind = bytes.first else { return }
        let part = String(decoding: bytes.dropFirst(), as: UTF8.self)
        switch kind % 3 {
        case 0:
            let parts = [("word/document.xml", part), ("word/styles.xml", part), ("word/numbering.xml", part)]
            readDocument(OfficeContents.package("wordprocessingml.document", parts), named: "a.docx")
        case 1:
            let mimetype = ZipWriter.Entry("mimetype", "application/vnd.oasis.opendocument.text")
            readDocument(ZipWriter.archive([mimetype, ZipWriter.Entry("content.xml", part)]), named: "a.odt")
        default:
            let mimetype = ZipWriter.Entry("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
            readDocument(ZipWriter.archive([mimetype, ZipWriter.Entry("content.xml", part)]), named: "a.ods")
        }
    }

    /// What was read once can be written, and reads the same from then on.
    private func readRequest(_ bytes: [UInt8]) {
        guard let value = try? JSONValue(json: Data(bytes)) else { return }
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        guard let once = try? encoder.encode(value), let again = try? JSONValue(json: once) else {
            preconditionFailure("what was read cannot be written")
        }
        promise((try? encoder.encode(again)) == once, "JSON changes when it is written and read again")
    }
}

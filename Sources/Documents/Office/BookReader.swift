import Foundation
import Knowledge

/// Reads EPUB books, version 2 and 3: the documents of the spine in order, each as a web page.
struct BookReader: ArchiveReader {
    static let containerName = "META-INF/container.xml"

    func read(_ archive: consuming ZipArchive) throws(DocumentFailure) -> ExtractedText {
        var archive = archive
        let container = BookContainer()
        try XMLReader.read(Self.containerName, of: &archive, doctype: .withoutSubset, by: container)
        guard let path = container.package, let package = archive.entry(named: path) else {
            throw .damagedArchive("Its table of parts is missing.")
        }
        let book = BookPackage(folder: PackageParts.split(path).folder)
        try XMLReader.read(package, of: &archive, doctype: .withoutSubset, by: book)
        let locked = BookLocks()
        try XMLReader.read("META-INF/encryption.xml", of: &archive, doctype: .withoutSubset, by: locked)
        let labels = BookLabels()
        for contents in book.contents {
            labels.folder = PackageParts.split(contents).folder
            // A book reads well without its table of contents; those of old books are often malformed.
            try? XMLReader.read(contents, of: &archive, doctype: .withoutSubset, by: labels)
        }
        var builder = TextBuilder()
        var number = 0
        for chapter in book.chapters {
            if locked.parts.contains(chapter) { throw .protectedBook }
            guard let page = try archive.content(of: chapter) else {
                builder.warnings.append("The part \(chapter.shortTitle) is missing in this file.")
                continue
            }
            number += 1
            let text = try Decoded(page, declared: HTMLCharset.declared(in: page)).bytes
            Self.add(Canonical.text(text), number: number, label: labels.labels[chapter], to: &builder)
            if builder.isOverLimit { throw .tooMuchText }
        }
        return try builder.finish(title: book.title)
    }

    /// The part that a link in a book means, without the place in it.
    fileprivate static func part(_ address: String, in folder: String) -> String {
        let path = address.prefix { $0 != "#" }
        return PackageParts.resolve(path.removingPercentEncoding ?? String(path), in: folder)
    }

    /// Adds a chapter. Without a heading of its own it gets what the table of contents calls it, or it would seem to belong
    /// to the chapter before.
    private static func add(_ page: [UInt8], number: Int, label: String?, to builder: inout TextBuilder) {
        var blocks: [BlockFlow.Paragraph] = []
        HTMLReader.blocks(of: page) { kind, content, depth in
            blocks.append(.init(kind: kind, content: content, depth: depth))
        }
        let hasHeading = blocks.contains { if case .heading = $0.kind { true } else { false } }
        if !hasHeading, !blocks.isEmpty, let label, !label.isEmpty {
            // Many books write their headings as plain paragraphs.
            if blocks[0].content[...].string.onOneLine == label { blocks.removeFirst() }
            blocks.insert(.init(kind: .heading(level: 2), content: Array(label.utf8)), at: 0)
        }
        for block in blocks {
            builder.append(block.kind, block.content, depth: block.depth, locator: "chapter \(number)")
            if block.kind == .table { builder.quality.tables += 1 }
        }
    }
}

extension DocumentFailure {
    fileprivate static let protectedBook = DocumentFailure(
        .encrypted, "This book is locked by its seller's copy protection. Upload a copy without it."
    )
}

/// Where the package document lies.
private final class BookContainer: XMLHandler {
    private(set) var package: String?

    func start(_ name: String, _ attributes: XMLAttributes) -> XMLReader.Content {
        if name == "ocf:rootfile", package == nil, let path = attributes["full-path"] {
            package = PackageParts.resolve(path, in: "")
        }
        return .read
    }

    func end(_ name: String) {}
    func text(_ text: UnsafeBufferPointer<UInt8>) {}
}

/// Title, parts and reading order of a book (EPUB 3.3, section 5).
private final class BookPackage: XMLHandler {
    private(set) var title: String?
    private let folder: String
    private var parts: [String: String] = [:]
    /// The tables of contents of versions 2 and 3.
    private(set) var contents: [String] = []
    private var spine: [String] = []
    private var current: [UInt8]?

    init(folder: String) { self.folder = folder }

    /// The names of the documents that make up the book, without the one that only lists the others.
    var chapters: [String] {
        var seen: Set<String> = []
        return spine.compactMap { parts[$0] }.filter { seen.insert($0).inserted }
    }

    func start(_ name: String, _ attributes: XMLAttributes) -> XMLReader.Content {
        switch name {
        case "dc:title": current = []
        case "opf:item": add(attributes)
        case "opf:itemref": if let id = attributes["idref"] { spine.append(id) }
        default: break
        }
        return .read
    }

    private func add(_ attributes: XMLAttributes) {
        let types = ["application/xhtml+xml", "text/html", "text/x-oeb1-document"]
        let properties = attributes["properties"]?.split(separator: " ") ?? []
        guard let id = attributes["id"], let address = attributes["href"], let type = attributes["media-type"]
        else { return }
        let part = BookReader.part(address, in: folder)
        if type == "application/x-dtbncx+xml" || properties.contains("nav") {
            contents.append(part)
        } else if types.contains(type) {
            parts[id] = part
        }
    }

    func end(_ name: String) {
        guard name == "dc:title", let text = current else { return }
        title = title ?? text[...].string.onOneLine
        current = nil
    }

    func text(_ text: UnsafeBufferPointer<UInt8>) {
        current?.append(contentsOf: text)
    }
}

/// The parts of a book that are encrypted. Fonts that are merely obfuscated are listed as well, and do no harm.
private final class BookLocks: XMLHandler {
    private(set) var parts: Set<String> = []

    func start(_ name: String, _ attributes: XMLAttributes) -> XMLReader.Content {
        if name == "enc:CipherReference", let address = attributes["URI"] {
            parts.insert(BookReader.part(address, in: ""))
        }
        return .read
    }

    func end(_ name: String) {}
    func text(_ text: UnsafeBufferPointer<UInt8>) {}
}

/// What tables of contents call the parts of a book: the first label of each.
private final class BookLabels: XMLHandler {
    var folder = ""
    private(set) var labels: [String: String] = [:]
    private var address: String?
    private var current: [UInt8]?

    func start(_ name: String, _ attributes: XMLAttributes) -> XMLReader.Content {
        switch name {
        case "html:a":
            address = attributes["href"]
            current = []
        case "ncx:text": current = []
        // The label of a point stands in front of its target.
        case "ncx:content":
            address = attributes["src"]
            add()
        default: break
        }
        return .read
    }

    func end(_ name: String) {
        if name == "html:a" { add() }
    }

    func text(_ text: UnsafeBufferPointer<UInt8>) { current?.append(contentsOf: text) }

    private func add() {
        guard let address, let text = current else { return }
        let part = BookReader.part(address, in: folder)
        if labels[part] == nil { labels[part] = text[...].string.onOneLine }
        current = nil
    }
}

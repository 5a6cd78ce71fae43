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
            HTMLReader.blocks(of: Canonical.text(text)) { kind, content, depth in
                builder.append(kind, content, depth: depth, locator: "chapter \(number)")
                if kind == .table { builder.quality.tables += 1 }
            }
            if builder.isOverLimit { throw .tooMuchText }
        }
        return try builder.finish(title: book.title)
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
        guard let id = attributes["id"], let address = attributes["href"],
            types.contains(attributes["media-type"] ?? ""), !properties.contains("nav")
        else { return }
        let path = address.prefix { $0 != "#" }
        parts[id] = PackageParts.resolve(path.removingPercentEncoding ?? String(path), in: folder)
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
            parts.insert(PackageParts.resolve(address.removingPercentEncoding ?? address, in: ""))
        }
        return .read
    }

    func end(_ name: String) {}
    func text(_ text: UnsafeBufferPointer<UInt8>) {}
}

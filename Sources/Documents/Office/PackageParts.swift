import Knowledge

/// The parts of an Office document and how they point at each other (ECMA-376 part 2, Open Packaging Conventions).
struct PackageParts {
    struct Relationship {
        var id: String
        /// The last part of its type's URI, which is the same in strict and transitional files: `slide`, `styles`.
        var kind: String
        /// The name of the part that it points at.
        var target: String
    }

    var archive: ZipArchive
    private let names: [String: ZipArchive.Entry]

    init(_ archive: consuming ZipArchive) {
        // Part names match in any case.
        names = Dictionary(archive.entries.map { ($0.name.lowercased(), $0) }, uniquingKeysWith: { first, _ in first })
        self.archive = archive
    }

    /// - Throws: `.unreadable` if the document has no main part.
    mutating func mainPart() throws(DocumentFailure) -> String {
        let links = try relationships(of: "")
        guard let main = links.first(where: { $0.kind == "officeDocument" }), names[main.target.lowercased()] != nil
        else { throw .damagedArchive("Its main part is missing.") }
        return main.target
    }

    /// The links from a part to parts, in the document's order; those to addresses outside are left out.
    ///
    /// - Parameter part: Empty for the package itself.
    mutating func relationships(of part: String) throws(DocumentFailure) -> [Relationship] {
        let (folder, name) = Self.split(part)
        let reader = RelationshipReader(folder: folder)
        try read(folder + "_rels/" + name + ".rels", by: reader)
        return reader.relationships
    }

    /// Reads a part by a handler; nothing happens if there is no such part.
    mutating func read(_ part: String, by handler: any XMLHandler) throws(DocumentFailure) {
        guard let entry = names[part.lowercased()] else { return }
        try XMLReader.read(entry, of: &archive, by: handler)
    }

    /// The title in the document's properties, without what programs put there on their own.
    mutating func title() throws(DocumentFailure) -> String? {
        let reader = TextCollector(of: ["dc:title"])
        for link in try relationships(of: "") where link.kind == "core-properties" { try read(link.target, by: reader) }
        return reader.texts.first.map { $0[...].string.onOneLine }.flatMap { title in
            let isMeant = !title.isEmpty && !Self.defaultTitles.contains { title.lowercased().hasPrefix($0) }
            return isMeant ? title : nil
        }
    }

    private static let defaultTitles = [
        "microsoft word -", "powerpoint-", "powerpoint presentation", "word document", "untitled", "slide 1",
        "document1",
    ]

    /// The folder with its `/`, and the name in it.
    static func split(_ part: String) -> (folder: String, name: String) {
        guard let slash = part.lastIndex(of: "/") else { return ("", part) }
        return (String(part[...slash]), String(part[part.index(after: slash)...]))
    }

    /// The part that a link means, without `.` and `..`.
    static func resolve(_ target: String, in folder: String) -> String {
        let path = target.hasPrefix("/") ? target : folder + target
        var steps: [Substring] = []
        for step in path.split(separator: "/") {
            if step == ".." { _ = steps.popLast() } else if step != "." { steps.append(step) }
        }
        return steps.joined(separator: "/")
    }
}

private final class RelationshipReader: XMLHandler {
    private let folder: String
    private(set) var relationships: [PackageParts.Relationship] = []

    init(folder: String) { self.folder = folder }

    func start(_ name: String, _ attributes: XMLAttributes) -> XMLReader.Content {
        guard name == "rel:Relationship", attributes["TargetMode"] != "External", let id = attributes["Id"],
            let type = attributes["Type"], let target = attributes["Target"]
        else { return .read }
        let kind = type.split(separator: "/").last.map(String.init) ?? ""
        relationships.append(.init(id: id, kind: kind, target: PackageParts.resolve(target, in: folder)))
        return .read
    }

    func end(_ name: String) {}
    func text(_ text: UnsafeBufferPointer<UInt8>) {}
}

/// Collects the texts of some elements.
final class TextCollector: XMLHandler {
    private let elements: Set<String>
    private(set) var texts: [[UInt8]] = []
    private var depth = 0

    init(of elements: Set<String>) { self.elements = elements }

    func start(_ name: String, _ attributes: XMLAttributes) -> XMLReader.Content {
        if depth > 0 || elements.contains(name) { depth += 1 }
        if depth == 1 { texts.append([]) }
        return .read
    }

    func end(_ name: String) {
        if depth > 0 { depth -= 1 }
    }

    func text(_ text: UnsafeBufferPointer<UInt8>) {
        if depth > 0 { texts[texts.count - 1].append(contentsOf: text) }
    }
}

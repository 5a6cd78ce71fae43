import CExpat
import Knowledge

/// What a reader of XML does with elements and text as they come.
protocol XMLHandler: AnyObject {
    /// - Parameter name: With the prefix that `XMLNames` gives its namespace, whatever the document calls it: `w:p`.
    func start(_ name: String, _ attributes: XMLAttributes) throws(DocumentFailure) -> XMLReader.Content
    /// Called for elements whose content was read.
    func end(_ name: String) throws(DocumentFailure)
    /// - Parameter text: Valid UTF-8, a piece of what stands between two tags.
    func text(_ text: UnsafeBufferPointer<UInt8>)
}

/// Reads XML by expat, in one pass, without entities of the document's own and without anything from outside.
final class XMLReader {
    enum Content {
        case read
        /// The element and all in it is passed over in silence.
        case skip
    }

    /// What to do with a document type declaration, the door to entity bombs.
    enum Doctype {
        case refused
        /// It may name an external subset, which is never fetched, and declare nothing itself.
        case withoutSubset
    }

    static let maxDepth = 256
    static let maxAttributes = 1000
    /// Between a URI and a local name; no URI can have it.
    static let separator = UInt8(ascii: "\n")

    private let parser: XML_Parser
    private let handler: any XMLHandler
    private let doctype: Doctype
    private let names = XMLNames()
    private var open: [String] = []
    private var skippedDepth = 0
    private var failure: DocumentFailure?

    private init(_ handler: any XMLHandler, doctype: Doctype) throws(DocumentFailure) {
        guard let parser = XML_ParserCreateNS(nil, XML_Char(Self.separator)) else {
            throw DocumentFailure(.tooLarge, "There is not enough memory to read this file.")
        }
        self.parser = parser
        self.handler = handler
        self.doctype = doctype
    }

    deinit { XML_ParserFree(parser) }

    /// Reads one part of an archive while it is inflated.
    ///
    /// - Throws: `.unreadable` for what is malformed or beyond the limits; what the archive and the handler throw.
    static func read(
        _ entry: ZipArchive.Entry, of archive: inout ZipArchive, doctype: Doctype = .refused, by handler: any XMLHandler
    ) throws(DocumentFailure) {
        let reader = try XMLReader(handler, doctype: doctype)
        reader.listen()
        try archive.read(entry) { (piece) throws(DocumentFailure) in try reader.feed(piece, isLast: false) }
        try reader.feed(UnsafeBufferPointer(start: nil, count: 0), isLast: true)
    }

    /// Reads the part with a name if there is one.
    static func read(
        _ name: String, of archive: inout ZipArchive, doctype: Doctype = .refused, by handler: any XMLHandler
    ) throws(DocumentFailure) {
        guard let entry = archive.entry(named: name) else { return }
        try read(entry, of: &archive, doctype: doctype, by: handler)
    }

    private func feed(_ piece: UnsafeBufferPointer<UInt8>, isLast: Bool) throws(DocumentFailure) {
        let characters = UnsafeRawPointer(piece.baseAddress)?.assumingMemoryBound(to: XML_Char.self)
        let status = XML_Parse(parser, characters, Int32(piece.count), isLast ? 1 : 0)
        if let failure { throw failure }
        guard status == XML_STATUS_OK else {
            let line = XML_GetCurrentLineNumber(parser)
            let what = XML_ErrorString(XML_GetErrorCode(parser)).map { String(cString: $0) } ?? "an error"
            throw .damagedArchive("Its XML has \(what) in line \(line).")
        }
    }

    // MARK: - What expat calls

    private func listen() {
        // Unretained: expat calls back only from inside of `feed`, while the reader is alive.
        XML_SetUserData(parser, Unmanaged.passUnretained(self).toOpaque())
        XML_SetElementHandler(
            parser,
            { reader, name, attributes in
                guard let name, let attributes else { return }
                XMLReader.of(reader)?.start(name, attributes)
            },
            { reader, _ in XMLReader.of(reader)?.end() }
        )
        XML_SetCharacterDataHandler(parser) { reader, text, count in
            UnsafeRawPointer(text).map {
                let bytes = $0.assumingMemoryBound(to: UInt8.self)
                XMLReader.of(reader)?.text(UnsafeBufferPointer(start: bytes, count: Int(count)))
            }
        }
        XML_SetStartDoctypeDeclHandler(parser) { reader, _, _, _, hasSubset in
            XMLReader.of(reader)?.startDoctype(hasSubset: hasSubset != 0)
        }
    }

    private static func of(_ pointer: UnsafeMutableRawPointer?) -> XMLReader? {
        pointer.map { Unmanaged<XMLReader>.fromOpaque($0).takeUnretainedValue() }
    }

    private func start(_ name: UnsafePointer<XML_Char>, _ attributes: UnsafeMutablePointer<UnsafePointer<XML_Char>?>) {
        guard failure == nil else { return }
        guard open.count + skippedDepth < Self.maxDepth else {
            return stop(.damagedArchive("Its elements are nested more than \(Self.maxDepth) deep."))
        }
        let attributes = XMLAttributes(attributes, names)
        guard attributes.count <= Self.maxAttributes else {
            return stop(.damagedArchive("One of its elements has more than \(Self.maxAttributes) attributes."))
        }
        guard skippedDepth == 0 else { return skippedDepth += 1 }
        let name = names.name(name)
        do throws(DocumentFailure) {
            switch try handler.start(name, attributes) {
            case .read: open.append(name)
            case .skip: skippedDepth = 1
            }
        } catch {
            stop(error)
        }
    }

    private func end() {
        guard failure == nil else { return }
        guard skippedDepth == 0 else { return skippedDepth -= 1 }
        guard let name = open.popLast() else { return }
        do throws(DocumentFailure) { try handler.end(name) } catch { stop(error) }
    }

    private func text(_ text: UnsafeBufferPointer<UInt8>) {
        guard failure == nil, skippedDepth == 0 else { return }
        handler.text(text)
    }

    private func startDoctype(hasSubset: Bool) {
        guard doctype == .refused || hasSubset else { return }
        stop(.damagedArchive("It declares entities or a document type, which no such file needs."))
    }

    private func stop(_ failure: DocumentFailure) {
        self.failure = failure
        XML_StopParser(parser, 0)
    }
}

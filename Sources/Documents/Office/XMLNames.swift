import CExpat
import Foundation

/// Gives namespaces the prefixes that readers know them by, so that `w:p` is a paragraph in transitional and strict
/// Word files, whatever prefix they declare.
final class XMLNames {
    private struct Known {
        var bytes: [UInt8]
        var name: String

        func matches(_ other: UnsafeRawBufferPointer) -> Bool {
            guard bytes.count == other.count, let start = other.baseAddress else { return false }
            return memcmp(bytes, start, bytes.count) == 0
        }
    }

    private var known: [UInt64: Known] = [:]
    /// Documents use some hundred names; a file with more was made to fill memory.
    private static let maxKnown = 4096

    /// - Parameter raw: What expat calls it: `uri`, separator, local name; or a local name alone.
    func name(_ raw: UnsafePointer<XML_Char>) -> String {
        let bytes = UnsafeRawBufferPointer(start: raw, count: strlen(raw))
        let key = Self.hash(bytes)
        if let hit = known[key], hit.matches(bytes) { return hit.name }
        let name = Self.prefixed(bytes)
        if known.count < Self.maxKnown { known[key] = Known(bytes: Array(bytes), name: name) }
        return name
    }

    private static func prefixed(_ bytes: UnsafeRawBufferPointer) -> String {
        guard let border = bytes.firstIndex(of: XMLReader.separator) else {
            return String(decoding: bytes, as: UTF8.self)
        }
        let uri = String(decoding: bytes[..<border], as: UTF8.self)
        return (prefixes[uri] ?? "other") + ":" + String(decoding: bytes[(border + 1)...], as: UTF8.self)
    }

    /// Eight bytes a step: names with their namespaces are long, and every tag is looked up.
    private static func hash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        var hash = UInt64(bytes.count)
        var index = 0
        while index + 8 <= bytes.count {
            hash = (hash ^ bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)) &* 0x9E37_79B9_7F4A_7C15
            hash ^= hash >> 32
            index += 8
        }
        while index < bytes.count {
            hash = (hash ^ UInt64(bytes[index])) &* 0x0000_0100_0000_01B3
            index += 1
        }
        return hash
    }

    private static let prefixes: [String: String] = {
        var prefixes = [
            "http://schemas.openxmlformats.org/markup-compatibility/2006": "mc",
            "http://schemas.openxmlformats.org/package/2006/relationships": "rel",
            "http://schemas.openxmlformats.org/package/2006/content-types": "ct",
            "http://schemas.openxmlformats.org/package/2006/metadata/core-properties": "cp",
            "http://purl.org/dc/elements/1.1/": "dc",
            "urn:oasis:names:tc:opendocument:xmlns:container": "ocf",
            "http://www.idpf.org/2007/opf": "opf",
            "http://www.w3.org/2001/04/xmlenc#": "enc",
            "http://www.daisy.org/z3986/2005/ncx/": "ncx",
            "http://www.w3.org/1999/xhtml": "html",
            "http://www.w3.org/1999/xlink": "xlink",
            "urn:oasis:names:tc:opendocument:xmlns:xsl-fo-compatible:1.0": "fo",
            "urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0": "svg",
        ]
        let openXML = [
            ("w", "wordprocessingml/", "main"), ("a", "drawingml/", "main"), ("c", "drawingml/", "chart"),
            ("dgm", "drawingml/", "diagram"), ("wp", "drawingml/", "wordprocessingDrawing"),
            ("xdr", "drawingml/", "spreadsheetDrawing"), ("p", "presentationml/", "main"),
            ("s", "spreadsheetml/", "main"), ("m", "officeDocument/", "math"), ("r", "officeDocument/", "relationships"),
        ]
        for (prefix, group, name) in openXML {
            prefixes["http://schemas.openxmlformats.org/\(group)2006/\(name)"] = prefix
            prefixes["http://purl.oclc.org/ooxml/\(group)\(name)"] = prefix
        }
        prefixes["urn:oasis:names:tc:opendocument:xmlns:drawing:1.0"] = "draw"
        for name in ["office", "text", "table", "presentation", "style", "meta"] {
            prefixes["urn:oasis:names:tc:opendocument:xmlns:\(name):1.0"] = name
        }
        return prefixes
    }()
}

/// The attributes of one element; valid only while its start is handled.
struct XMLAttributes {
    /// Names and values by turns, ending in nil.
    private let raw: UnsafeMutablePointer<UnsafePointer<XML_Char>?>
    private let names: XMLNames
    let count: Int

    init(_ raw: UnsafeMutablePointer<UnsafePointer<XML_Char>?>, _ names: XMLNames) {
        self.raw = raw
        self.names = names
        var count = 0
        while raw[2 * count] != nil { count += 1 }
        self.count = count
    }

    /// The value of an attribute, which has a prefix like an element if it has a namespace: `w:val`, `name`.
    subscript(_ name: String) -> String? {
        for index in 0..<count {
            guard let key = raw[2 * index], names.name(key) == name else { continue }
            return raw[2 * index + 1].map { String(cString: $0) }
        }
        return nil
    }

    /// A number that is a count or a position; nil if it is missing, malformed or not in `range`.
    func number(_ name: String, in range: ClosedRange<Int> = 0...Int(Int32.max)) -> Int? {
        self[name].flatMap { Int($0) }.flatMap { range.contains($0) ? $0 : nil }
    }

    /// `1`, `true` and `on`, as OOXML and ODF write it.
    func isTrue(_ name: String) -> Bool {
        ["1", "true", "on"].contains(self[name])
    }
}

import Knowledge

/// A ZIP archive in memory, read from its central directory (PKWARE APPNOTE 6.3.10).
///
/// The directory and the headers in front of the entries must say the same, no two entries may share a byte, and no
/// name may point outside. What an entry inflates to is limited by what comes out of the stream, whatever its header
/// promises.
struct ZipArchive {
    struct Entry: Hashable {
        /// With `/` between folders.
        var name: String
        var method: Int
        var isEncrypted: Bool
        var crc: UInt32
        /// What the archive says that the content has, in bytes.
        var size: Int
        /// The bytes of the archive that the content is packed in.
        var packed: Range<Int>
    }

    /// An office document of a thousand slides has about five thousand parts.
    static let maxEntries = 10_000
    static let maxEntryBytes = 256 << 20
    static let maxTotalBytes = 1 << 30
    /// Deflate can reach 1030:1; documents stay below 50:1. Apache POI draws the same line.
    static let maxRatio = 100
    /// Streams shorter than this may have any ratio.
    static let ratioGrace = 100 << 10

    let entries: [Entry]
    private let bytes: [UInt8]
    private let positions: [String: Int]
    private var totalBytes = 0

    /// - Throws: `.unreadable` for what is damaged or contradicts itself, `.tooLarge` for too many entries.
    init(_ bytes: [UInt8]) throws(DocumentFailure) {
        var directory = try ZipDirectory(bytes)
        entries = try directory.entries()
        self.bytes = bytes
        var positions: [String: Int] = [:]
        for (index, entry) in entries.enumerated() {
            guard positions.updateValue(index, forKey: entry.name) == nil else {
                throw .damagedArchive("It holds two files named \(entry.name.shortTitle).")
            }
        }
        self.positions = positions
    }

    func entry(named name: String) -> Entry? {
        positions[name].map { entries[$0] }
    }

    /// Inflates an entry piece by piece.
    ///
    /// - Parameter receive: Gets the content in order; each piece is valid during the call only.
    /// - Throws: `.encrypted`; `.tooLarge` beyond a limit; `.unreadable` for damage, after all that could be read was
    ///   received; what `receive` throws.
    mutating func read(
        _ entry: Entry, _ receive: (UnsafeBufferPointer<UInt8>) throws(DocumentFailure) -> Void
    ) throws(DocumentFailure) {
        guard !entry.isEncrypted else { throw .encryptedArchive }
        let inflater = try Inflater(method: entry.method)
        var produced = 0
        try bytes[entry.packed].withUnsafeBufferPointer { (packed) throws(DocumentFailure) in
            try inflater.inflate(packed) { (piece) throws(DocumentFailure) in
                produced += piece.count
                totalBytes += piece.count
                guard produced <= Self.maxEntryBytes, totalBytes <= Self.maxTotalBytes else { throw .archiveTooLarge }
                if produced > Self.ratioGrace, produced / Self.maxRatio > entry.packed.count { throw .archiveTooLarge }
                try receive(piece)
            }
        }
        guard produced == entry.size, inflater.crc == entry.crc else {
            throw .damagedArchive("The content of \(entry.name.shortTitle) does not match its checksum.")
        }
    }

    /// The whole content of an entry.
    mutating func content(of entry: Entry) throws(DocumentFailure) -> [UInt8] {
        var content: [UInt8] = []
        try read(entry) { piece in content.append(contentsOf: piece) }
        return content
    }

    /// The whole content of the entry with a name, nil if there is none.
    mutating func content(of name: String) throws(DocumentFailure) -> [UInt8]? {
        guard let entry = entry(named: name) else { return nil }
        return try content(of: entry)
    }
}

extension DocumentFailure {
    static func damagedArchive(_ what: String) -> DocumentFailure {
        DocumentFailure(
            .unreadable,
            "This file is damaged: \(what) Open it in the program that made it, save it again and upload that."
        )
    }

    static let encryptedArchive = DocumentFailure(
        .encrypted, "This file is protected by a password. Save it without one and upload that."
    )

    static let archiveTooLarge = DocumentFailure(
        .tooLarge, "This file unpacks to far more than its size allows. Split it into several files and upload those."
    )
}

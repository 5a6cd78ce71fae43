import Knowledge

/// The central directory of a ZIP archive, checked against the header in front of each entry.
///
///     local header · name · extra · packed content · [data descriptor]      for each entry
///     central header · name · extra · comment                               for each entry
///     [zip64 end record · zip64 locator] · end record · comment
struct ZipDirectory {
    private let bytes: [UInt8]
    private var count = 0
    private var range = 0..<0

    private static let central = 0x0201_4B50, local = 0x0403_4B50, end = 0x0605_4B50
    private static let end64 = 0x0606_4B50, locator64 = 0x0706_4B50
    private static let centralLength = 46, localLength = 30, endLength = 22, end64Length = 56, locatorLength = 20

    private struct Header {
        var entry: ZipArchive.Entry
        var nameBytes: ArraySlice<UInt8>
        var packedSize: Int
        var localOffset: Int
    }

    init(_ bytes: [UInt8]) throws(DocumentFailure) {
        self.bytes = bytes
        guard let end = endRecord() else { throw .damagedArchive("Its end is missing.") }
        guard let found = directory(endingAt: end) else { throw .damagedArchive("Its list of contents is missing.") }
        (count, range) = found
        guard count <= ZipArchive.maxEntries else { throw .archiveTooLarge }
    }

    mutating func entries() throws(DocumentFailure) -> [ZipArchive.Entry] {
        var entries: [ZipArchive.Entry] = []
        var offset = range.lowerBound
        for _ in 0..<count {
            guard var header = centralHeader(at: &offset) else {
                throw .damagedArchive("Its list of contents ends too early.")
            }
            try Self.checkName(header.entry.name)
            guard let packed = packedRange(of: header) else {
                throw .damagedArchive("It says two different things about \(header.entry.name.shortTitle).")
            }
            header.entry.packed = packed
            if !header.entry.name.hasSuffix("/") { entries.append(header.entry) }
            occupied.append(header.localOffset..<packed.upperBound)
        }
        try checkOverlap()
        return entries
    }

    private var occupied: [Range<Int>] = []

    /// Bombs without nesting point many entries at the same bytes (Fifield 2019).
    private mutating func checkOverlap() throws(DocumentFailure) {
        occupied.sort { $0.lowerBound < $1.lowerBound }
        for (one, next) in zip(occupied, occupied.dropFirst()) where one.upperBound > next.lowerBound {
            throw .damagedArchive("Its parts overlap.")
        }
    }

    /// Nothing is ever written under these names, but an archive with such names was made to do harm.
    private static func checkName(_ name: String) throws(DocumentFailure) {
        let isDrive = name.utf8.dropFirst().first == UInt8(ascii: ":")
        guard !name.isEmpty, !name.hasPrefix("/"), !isDrive, !name.utf8.contains(0),
            !name.split(separator: "/").contains("..")
        else { throw .damagedArchive("One of its parts has a name that points outside of it.") }
    }

    // MARK: - Records

    /// Where the end record begins: at the last place where one with a comment of the right length could.
    private func endRecord() -> Int? {
        var at = bytes.count - Self.endLength
        let first = max(0, at - 0xFFFF)
        while at >= first {
            if bytes[at] == 0x50, number(at, 4) == Self.end, let comment = number(at + 20, 2),
                at + Self.endLength + comment <= bytes.count
            {
                return at
            }
            at -= 1
        }
        return nil
    }

    private func directory(endingAt end: Int) -> (Int, Range<Int>)? {
        guard let disk = number(end + 4, 2), let count = number(end + 10, 2), let size = number(end + 12, 4),
            let offset = number(end + 16, 4)
        else { return nil }
        if count == 0xFFFF || size == 0xFFFF_FFFF || offset == 0xFFFF_FFFF || disk == 0xFFFF,
            let large = directory64(before: end)
        {
            return large
        }
        guard disk == 0, offset <= end, size <= end - offset else { return nil }
        return (count, offset..<offset + size)
    }

    private func directory64(before end: Int) -> (Int, Range<Int>)? {
        let locator = end - Self.locatorLength
        guard locator >= 0, number(locator, 4) == Self.locator64, let record = number(locator + 8, 8),
            record <= locator - Self.end64Length, number(record, 4) == Self.end64, let count = number(record + 32, 8),
            let size = number(record + 40, 8), let offset = number(record + 48, 8), offset <= record,
            size <= record - offset
        else { return nil }
        return (count, offset..<offset + size)
    }

    private func centralHeader(at offset: inout Int) -> Header? {
        let at = offset
        guard range.upperBound - at >= Self.centralLength, number(at, 4) == Self.central, let flags = number(at + 8, 2),
            let method = number(at + 10, 2), let crc = number(at + 16, 4), var packedSize = number(at + 20, 4),
            var size = number(at + 24, 4), let nameLength = number(at + 28, 2), let extraLength = number(at + 30, 2),
            let commentLength = number(at + 32, 2), var localOffset = number(at + 42, 4)
        else { return nil }
        let name = at + Self.centralLength, extra = name + nameLength, next = extra + extraLength + commentLength
        guard next <= range.upperBound else { return nil }
        let large = extra64(in: extra..<extra + extraLength)
        var index = 0
        func widen(_ value: inout Int) {
            guard value == 0xFFFF_FFFF, index < large.count else { return }
            value = large[index]
            index += 1
        }
        widen(&size)
        widen(&packedSize)
        widen(&localOffset)
        offset = next
        let nameBytes = bytes[name..<extra]
        let entry = ZipArchive.Entry(
            // Some writers on Windows part folders by backslashes, against the specification.
            name: nameBytes.string.replacing("\\", with: "/"), method: method, isEncrypted: flags & 0x2041 != 0,
            crc: UInt32(crc), size: size, packed: 0..<0
        )
        return Header(entry: entry, nameBytes: nameBytes, packedSize: packedSize, localOffset: localOffset)
    }

    /// Where an entry's content is packed; nil if the header in front of it is missing or contradicts the directory.
    private func packedRange(of header: Header) -> Range<Int>? {
        let at = header.localOffset
        guard at <= range.lowerBound - Self.localLength, number(at, 4) == Self.local, let flags = number(at + 6, 2),
            let method = number(at + 8, 2), let crc = number(at + 14, 4), let packedSize = number(at + 18, 4),
            let size = number(at + 22, 4), let nameLength = number(at + 26, 2), let extraLength = number(at + 28, 2)
        else { return nil }
        let name = at + Self.localLength, start = name + nameLength + extraLength
        guard start <= range.lowerBound, header.packedSize <= range.lowerBound - start,
            bytes[name..<name + nameLength] == header.nameBytes, method == header.entry.method,
            flags & 1 == 0 || header.entry.isEncrypted
        else { return nil }
        // With bit 3 the sizes stand behind the content; with zip64 they stand in the extra field.
        let isAhead = flags & 8 == 0 && packedSize != 0xFFFF_FFFF && size != 0xFFFF_FFFF
        if isAhead, UInt32(crc) != header.entry.crc || packedSize != header.packedSize || size != header.entry.size {
            return nil
        }
        return start..<start + header.packedSize
    }

    /// The 64-bit numbers of the extra field 1; numbers that do not fit in an `Int` end the list.
    private func extra64(in range: Range<Int>) -> [Int] {
        var at = range.lowerBound
        while at + 4 <= range.upperBound, let kind = number(at, 2), let length = number(at + 2, 2) {
            let body = at + 4
            guard length <= range.upperBound - body else { return [] }
            if kind == 1 { return stride(from: body, through: body + length - 8, by: 8).compactMap { number($0, 8) } }
            at = body + length
        }
        return []
    }

    /// A little-endian number; nil outside of the archive and if it does not fit.
    private func number(_ offset: Int, _ length: Int) -> Int? {
        guard offset >= 0, offset <= bytes.count - length else { return nil }
        var value: UInt64 = 0
        for index in 0..<length { value |= UInt64(bytes[offset + index]) << UInt64(8 * index) }
        return Int(exactly: value)
    }
}

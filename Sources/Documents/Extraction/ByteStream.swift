/// Appends numbers, little-endian, and counted bytes.
package struct ByteWriter {
    package private(set) var bytes: [UInt8] = []

    package init() {}

    package mutating func append(_ number: some FixedWidthInteger) {
        withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
    }

    /// A count of 32 bits, then the bytes.
    package mutating func append(counted content: some Collection<UInt8>) {
        append(UInt32(content.count))
        bytes.append(contentsOf: content)
    }
}

/// Takes the same apart again; every read is checked against the end.
package struct ByteReader {
    /// Fewer bytes than were announced.
    package struct Shortage: Error {}

    private let bytes: ArraySlice<UInt8>
    private var position: Int

    package init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        position = bytes.startIndex
    }

    package var remaining: Int { bytes.endIndex - position }

    package mutating func number<Number: FixedWidthInteger>(_ type: Number.Type = Number.self) throws(Shortage) -> Number {
        let size = MemoryLayout<Number>.size
        let slice = try take(size)
        var number: Number = 0
        withUnsafeMutableBytes(of: &number) { $0.copyBytes(from: slice) }
        return Number(littleEndian: number)
    }

    package mutating func counted() throws(Shortage) -> ArraySlice<UInt8> {
        try take(Int(number(UInt32.self)))
    }

    package mutating func take(_ count: Int) throws(Shortage) -> ArraySlice<UInt8> {
        guard count >= 0, count <= remaining else { throw Shortage() }
        defer { position += count }
        return bytes[position..<position + count]
    }
}

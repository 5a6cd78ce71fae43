import Foundation

/// Appends numbers, little-endian, and counted bytes.
struct ByteWriter {
    private(set) var bytes: [UInt8] = []

    mutating func append(_ number: some FixedWidthInteger) {
        withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
    }

    /// A count of 32 bits, then the bytes.
    mutating func append(counted content: some Collection<UInt8>) {
        append(UInt32(content.count))
        bytes.append(contentsOf: content)
    }
}

/// Takes the same apart again; every read is checked against the end.
struct ByteReader {
    /// Fewer bytes than were announced.
    struct Shortage: Error {}

    private let bytes: ArraySlice<UInt8>
    private var position: Int

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        position = bytes.startIndex
    }

    var remaining: Int { bytes.endIndex - position }

    mutating func number<Number: FixedWidthInteger>(_ type: Number.Type = Number.self) throws(Shortage) -> Number {
        let size = MemoryLayout<Number>.size
        let slice = try take(size)
        var number: Number = 0
        withUnsafeMutableBytes(of: &number) { $0.copyBytes(from: slice) }
        return Number(littleEndian: number)
    }

    mutating func counted() throws(Shortage) -> ArraySlice<UInt8> {
        try take(Int(number(UInt32.self)))
    }

    mutating func take(_ count: Int) throws(Shortage) -> ArraySlice<UInt8> {
        guard count >= 0, count <= remaining else { throw Shortage() }
        defer { position += count }
        return bytes[position..<position + count]
    }
}

/// FNV-1a over words of eight bytes: finds what was cut off or written in between, not what somebody made to fit.
struct Checksum {
    private(set) var value: UInt64 = 14_695_981_039_346_656_037

    mutating func add(_ bytes: some Collection<UInt8>) {
        let isDone = bytes.withContiguousStorageIfAvailable { add(UnsafeRawBufferPointer($0)) } != nil
        if !isDone { Array(bytes).withUnsafeBytes { add($0) } }
    }

    private mutating func add(_ bytes: UnsafeRawBufferPointer) {
        let words = bytes.count / 8
        for word in 0..<words {
            mix(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: word * 8, as: UInt64.self)))
        }
        for byte in bytes[(words * 8)...] { mix(UInt64(byte)) }
    }

    private mutating func mix(_ word: UInt64) {
        value = (value ^ word) &* 1_099_511_628_211
    }
}

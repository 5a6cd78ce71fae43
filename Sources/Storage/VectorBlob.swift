import FoundationEssentials

/// How a vector lies in its column: float32, little-endian, one after the other, with a CRC-32 beside it.
struct VectorBlob {
    var bytes: Data
    var crc32: UInt32

    init(_ vector: [Float]) {
        bytes = vector.map(\.bitPattern.littleEndian).withUnsafeBytes { Data($0) }
        crc32 = bytes.withUnsafeBytes(CRC32.checksum)
    }

    init(bytes: Data, crc32: UInt32) {
        self.bytes = bytes
        self.crc32 = crc32
    }

    /// Appends the vector's numbers. False, with nothing appended, if the bytes are not what was stored.
    func append(to numbers: inout [Float], dimension: Int) -> Bool {
        bytes.withUnsafeBytes { bytes in
            guard bytes.count == dimension * 4, CRC32.checksum(bytes) == crc32 else { return false }
            numbers.append(
                contentsOf: (0..<dimension).lazy.map { index in
                    Float(bitPattern: UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: index * 4, as: UInt32.self)))
                })
            return true
        }
    }
}

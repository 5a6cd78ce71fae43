import FoundationEssentials

#if _endian(big)
    #error("Vectors are stored as little-endian numbers and copied as they lie in memory")
#endif

/// How a vector lies in its column: float32, little-endian, one after the other, with a CRC-32 beside it.
struct VectorBlob {
    var bytes: Data
    var crc32: UInt32

    init(_ vector: [Float]) {
        bytes = vector.withUnsafeBytes { Data($0) }
        crc32 = bytes.withUnsafeBytes(CRC32.checksum)
    }

    init(bytes: Data, crc32: UInt32) {
        self.bytes = bytes
        self.crc32 = crc32
    }

    /// Appends the vector's numbers. False, with nothing appended, if the bytes are not what was stored.
    func append(to numbers: inout [Float], dimension: Int) -> Bool {
        let size = MemoryLayout<Float>.size
        guard bytes.count == dimension * size, bytes.withUnsafeBytes(CRC32.checksum) == crc32 else { return false }
        let end = numbers.count
        numbers.append(contentsOf: repeatElement(0, count: dimension))
        numbers.withUnsafeMutableBytes { numbers in
            _ = bytes.copyBytes(to: UnsafeMutableRawBufferPointer(rebasing: numbers[(end * size)...]))
        }
        return true
    }
}

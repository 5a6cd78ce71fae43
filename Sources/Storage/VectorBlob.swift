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
        bytes.withUnsafeBytes { Self.append($0, crc32: Int64(crc32), to: &numbers, dimension: dimension) }
    }

    /// The same for bytes that lie elsewhere.
    static func append(
        _ bytes: UnsafeRawBufferPointer, crc32: Int64, to numbers: inout [Float], dimension: Int
    ) -> Bool {
        let size = MemoryLayout<Float>.size
        guard bytes.count == dimension * size, Int64(CRC32.checksum(bytes)) == crc32 else { return false }
        let end = numbers.count
        numbers.append(contentsOf: repeatElement(0, count: dimension))
        numbers.withUnsafeMutableBytes { numbers in
            UnsafeMutableRawBufferPointer(rebasing: numbers[(end * size)...]).copyMemory(from: bytes)
        }
        return true
    }
}

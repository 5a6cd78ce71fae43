/// The CRC-32 of zlib, PNG and Ethernet (polynomial 0xEDB88320, reflected), eight bytes at a step.
///
/// Finds every single flipped bit and every burst of up to 32. Slicing-by-8 as in Kounavis and Berry, "Novel
/// Table Lookup-Based Algorithms for High-Performance CRC Generation" (2008).
enum CRC32 {
    /// `tables[256 * k + byte]`: what `byte` contributes when `k` more bytes follow it in the step.
    private static let tables: [UInt32] = {
        var tables: [UInt32] = (0..<256).map { byte in
            var crc = UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 == 1 ? (crc >> 1) ^ 0xEDB8_8320 : crc >> 1 }
            return crc
        }
        for index in 256..<2048 {
            let previous = tables[index - 256]
            tables.append((previous >> 8) ^ tables[Int(previous & 255)])
        }
        return tables
    }()

    static func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        tables.withUnsafeBufferPointer { tables in
            var crc = ~UInt32(0)
            var offset = 0
            while offset + 8 <= bytes.count {
                let step = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)) ^ UInt64(crc)
                let (low, high) = (Int(step & 0xFFFF_FFFF), Int(step >> 32))
                crc = tables[0x700 | low & 255] ^ tables[0x600 | low >> 8 & 255] ^ tables[0x500 | low >> 16 & 255]
                    ^ tables[0x400 | low >> 24]
                crc ^= tables[0x300 | high & 255] ^ tables[0x200 | high >> 8 & 255] ^ tables[0x100 | high >> 16 & 255]
                    ^ tables[high >> 24]
                offset += 8
            }
            for byte in bytes[offset...] { crc = (crc >> 8) ^ tables[Int((crc ^ UInt32(byte)) & 255)] }
            return ~crc
        }
    }
}

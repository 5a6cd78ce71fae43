import CZlib

/// Writes ZIP archives, right ones and wrong ones.
struct ZipWriter {
    struct Entry {
        var name: String
        var content: [UInt8]
        var isDeflated = true
        var flags: UInt16 = 0
        /// What the headers say, where they lie.
        var crc: UInt32?
        var size: UInt32?
        var localName: String?
        var localOffset: UInt32?
        var isZip64 = false

        init(_ name: String, _ content: String) { self.init(name, Array(content.utf8)) }

        init(_ name: String, _ content: [UInt8]) {
            self.name = name
            self.content = content
        }
    }

    static func archive(_ entries: [Entry]) -> [UInt8] {
        var bytes: [UInt8] = []
        var directory: [UInt8] = []
        for entry in entries {
            let packed = entry.isDeflated ? deflated(entry.content) : entry.content
            let crc = entry.crc ?? UInt32(crc32(0, entry.content, UInt32(entry.content.count)))
            let size = entry.size ?? UInt32(entry.content.count)
            let hasDescriptor = entry.flags & 8 != 0
            let common = number(entry.flags, 2) + number(entry.isDeflated ? 8 : 0, 2) + number(0, 4)
            let sizes = number(crc, 4) + number(UInt32(packed.count), 4) + number(size, 4)
            let offset = entry.localOffset ?? UInt32(bytes.count)
            let localName = Array((entry.localName ?? entry.name).utf8)
            bytes += number(0x0403_4B50, 4) + number(20, 2) + common + (hasDescriptor ? [UInt8](repeating: 0, count: 12) : sizes)
            bytes += number(localName.count, 2) + number(0, 2) + localName + packed
            if hasDescriptor { bytes += number(0x0807_4B50, 4) + sizes }
            directory += number(0x0201_4B50, 4) + number(20, 2) + number(20, 2) + common
            if entry.isZip64 {
                directory += number(crc, 4) + number(0xFFFF_FFFF, 4) + number(0xFFFF_FFFF, 4)
                directory += number(entry.name.utf8.count, 2) + number(28, 2) + number(0, 10) + number(0xFFFF_FFFF, 4) + entry.name.utf8
                directory += number(1, 2) + number(24, 2) + number(size, 8) + number(packed.count, 8) + number(offset, 8)
            } else {
                directory += sizes + number(entry.name.utf8.count, 2) + number(0, 12) + number(offset, 4) + entry.name.utf8
            }
        }
        let end = number(0x0605_4B50, 4) + number(0, 4) + number(entries.count, 2) + number(entries.count, 2)
        return bytes + directory + end + number(directory.count, 4) + number(bytes.count, 4) + number(0, 2)
    }

    static func deflated(_ content: [UInt8]) -> [UInt8] {
        let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        defer { stream.deallocate() }
        stream.initialize(to: z_stream())
        czlib_deflate_init(stream)
        defer { deflateEnd(stream) }
        var input = content
        var output = [UInt8](repeating: 0, count: Int(deflateBound(stream, UInt(content.count))))
        let count = input.withUnsafeMutableBufferPointer { input in
            output.withUnsafeMutableBufferPointer { output in
                stream.pointee.next_in = input.baseAddress
                stream.pointee.avail_in = UInt32(input.count)
                stream.pointee.next_out = output.baseAddress
                stream.pointee.avail_out = UInt32(output.count)
                deflate(stream, Z_FINISH)
                return output.count - Int(stream.pointee.avail_out)
            }
        }
        return Array(output[..<count])
    }

    /// Little-endian, with zeros behind the eighth byte.
    private static func number(_ value: some BinaryInteger, _ length: Int) -> [UInt8] {
        (0..<length).map { $0 < 8 ? UInt8(truncatingIfNeeded: UInt64(truncatingIfNeeded: value) >> UInt64(8 * $0)) : 0 }
    }
}

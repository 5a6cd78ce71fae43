import CZlib
import Knowledge

/// Unpacks one entry of a ZIP archive through a window of 64 KiB.
///
/// A class because zlib keeps the address of its stream.
final class Inflater {
    private static let windowBytes = 64 << 10
    private static let stored = 0, deflated = 8

    private let isDeflated: Bool
    private let stream: UnsafeMutablePointer<z_stream>
    private let window: UnsafeMutableBufferPointer<UInt8>
    /// Of all that was received so far.
    private(set) var crc: UInt32 = 0

    init(method: Int) throws(DocumentFailure) {
        guard method == Self.stored || method == Self.deflated else {
            throw .damagedArchive("It is packed by method \(method), which is not read.")
        }
        isDeflated = method == Self.deflated
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        window = .allocate(capacity: Self.windowBytes)
        if isDeflated, czlib_inflate_init(stream) != Z_OK {
            throw DocumentFailure(.tooLarge, "There is not enough memory to unpack this file.")
        }
    }

    deinit {
        if isDeflated { inflateEnd(stream) }
        stream.deallocate()
        window.deallocate()
    }

    func inflate(
        _ packed: UnsafeBufferPointer<UInt8>, _ receive: (UnsafeBufferPointer<UInt8>) throws(DocumentFailure) -> Void
    ) throws(DocumentFailure) {
        guard isDeflated else {
            var rest = packed[...]
            while !rest.isEmpty {
                try pass(UnsafeBufferPointer(rebasing: rest.prefix(Self.windowBytes)), receive)
                rest = rest.dropFirst(Self.windowBytes)
            }
            return
        }
        // zlib reads through a pointer that its C interface does not call const.
        stream.pointee.next_in = UnsafeMutablePointer(mutating: packed.baseAddress)
        stream.pointee.avail_in = UInt32(clamping: packed.count)
        var status = Z_OK
        while status != Z_STREAM_END {
            stream.pointee.next_out = window.baseAddress
            stream.pointee.avail_out = UInt32(Self.windowBytes)
            status = CZlib.inflate(stream, Z_NO_FLUSH)
            let count = Self.windowBytes - Int(stream.pointee.avail_out)
            // Without progress zlib says Z_BUF_ERROR: the stream ends too early.
            guard status == Z_OK || status == Z_STREAM_END else {
                throw .damagedArchive("Its content cannot be unpacked.")
            }
            try pass(UnsafeBufferPointer(rebasing: window[..<count]), receive)
        }
        guard stream.pointee.avail_in == 0 else { throw .damagedArchive("Its content has a foreign end.") }
    }

    private func pass(
        _ piece: UnsafeBufferPointer<UInt8>, _ receive: (UnsafeBufferPointer<UInt8>) throws(DocumentFailure) -> Void
    ) throws(DocumentFailure) {
        crc = UInt32(truncatingIfNeeded: crc32(UInt(crc), piece.baseAddress, UInt32(piece.count)))
        try receive(piece)
    }
}

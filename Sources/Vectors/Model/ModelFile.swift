import Foundation

/// An open file of a model, read by place into memory that is there already: fresh memory for every block would cost more
/// than reading.
struct ModelFile {
    let path: String
    let size: Int
    private let file: FileHandle

    /// - Throws: `ModelError` where it cannot be opened.
    init(path: String) throws {
        guard let file = FileHandle(forReadingAtPath: path) else { throw ModelError.missing(file: path) }
        self.path = path
        self.file = file
        do {
            size = Int(clamping: try file.seekToEnd())
        } catch {
            throw ModelError.malformed(file: path, reason: "cannot be read: \(error)")
        }
    }

    /// Fills `buffer` with what stands at `offset`.
    ///
    /// - Throws: `ModelError` where there is less, or reading fails.
    func read(at offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws {
        var (rest, place) = (buffer, offset)
        while !rest.isEmpty {
            let count = pread(file.fileDescriptor, rest.baseAddress, rest.count, off_t(place))
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else {
                throw ModelError.malformed(file: path, reason: "cannot be read: \(String(cString: strerror(errno)))")
            }
            guard count > 0 else { throw ModelError.malformed(file: path, reason: "became shorter while it was read") }
            rest = UnsafeMutableRawBufferPointer(rebasing: rest[count...])
            place += count
        }
    }

    /// Calls `body` with all bytes from `bytes`, a block after the other.
    ///
    /// - Throws: As `read`, and what `body` throws.
    func forEachBlock(of bytes: Range<Int>, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        // Stays in the second cache, and whole numbers of every type fit.
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 64)
        defer { buffer.deallocate() }
        for start in stride(from: bytes.lowerBound, to: bytes.upperBound, by: buffer.count) {
            let block = UnsafeMutableRawBufferPointer(rebasing: buffer[..<min(buffer.count, bytes.upperBound - start)])
            try read(at: start, into: block)
            try body(UnsafeRawBufferPointer(block))
        }
    }
}

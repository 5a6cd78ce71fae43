import Foundation

/// Rows of little-endian float32 in a `.npy` file (NEP 1), in C order, read as they are asked for.
///
/// `@unchecked Sendable`: the descriptor is only read from, by `pread`, which has no position.
final class NumpyFile: @unchecked Sendable {
    enum Failure: Error, CustomStringConvertible {
        case unreadable(String)
        case notFloatRows(String)

        var description: String {
            switch self {
            case .unreadable(let path): "cannot read \(path)"
            case .notFloatRows(let path): "\(path) is no .npy file of little-endian float32 rows in C order"
            }
        }
    }

    let rows: Int
    let dimension: Int
    private let path: String
    private let descriptor: Int32
    private let start: Int

    init(_ path: String) throws {
        self.path = path
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure.unreadable(path) }
        do {
            (start, rows, dimension) = try Self.header(descriptor, path)
        } catch {
            close(descriptor)
            throw error
        }
    }

    deinit {
        close(descriptor)
    }

    private static func header(_ descriptor: Int32, _ path: String) throws -> (start: Int, rows: Int, dimension: Int) {
        let bytes = try read(descriptor, path, at: 0, upTo: 12)
        guard bytes.count == 12, bytes.starts(with: [0x93] + Array("NUMPY".utf8)), (1...3).contains(bytes[6]) else {
            throw Failure.notFloatRows(path)
        }
        let isShort = bytes[6] == 1
        let length = (0..<(isShort ? 2 : 4)).reduce(0) { $0 | Int(bytes[8 + $1]) << (8 * $1) }
        let start = (isShort ? 10 : 12) + length
        guard length < 65_536 else { throw Failure.notFloatRows(path) }
        let text = String(decoding: try read(descriptor, path, at: start - length, upTo: length), as: UTF8.self)
            .filter { !$0.isWhitespace }
        let shape = text.firstMatch(of: /'shape':\(([0-9]+),([0-9]+)\)/)
        guard text.contains("'descr':'<f4'"), text.contains("'fortran_order':False"),
            let shape, let rows = Int(shape.1), let dimension = Int(shape.2), dimension > 0, rows < 1 << 40,
            dimension <= 1 << 20
        else { throw Failure.notFloatRows(path) }
        guard lseek(descriptor, 0, SEEK_END) >= start + rows * dimension * 4 else {
            throw Failure.notFloatRows(path)
        }
        return (start, rows, dimension)
    }

    private static func read(_ descriptor: Int32, _ path: String, at offset: Int, upTo count: Int) throws -> [UInt8] {
        try [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            filled = try fill(UnsafeMutableRawBufferPointer(buffer), descriptor, path, at: offset)
        }
    }

    /// Returns how many bytes there were.
    private static func fill(
        _ buffer: UnsafeMutableRawBufferPointer, _ descriptor: Int32, _ path: String, at offset: Int
    ) throws -> Int {
        var filled = 0
        while filled < buffer.count {
            let count = pread(
                descriptor, buffer.baseAddress.map { $0 + filled }, buffer.count - filled, off_t(offset + filled))
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw Failure.unreadable(path) }
            if count == 0 { break }
            filled += count
        }
        return filled
    }

    /// `range.count * dimension` floats.
    func vectors(_ range: Range<Int>) throws -> [Float] {
        try [Float](unsafeUninitializedCapacity: range.count * dimension) { buffer, filled in
            let bytes = try Self.fill(
                UnsafeMutableRawBufferPointer(buffer), descriptor, path, at: start + range.lowerBound * dimension * 4)
            guard bytes == buffer.count * 4 else { throw Failure.unreadable(path) }
            filled = buffer.count
        }
    }
}

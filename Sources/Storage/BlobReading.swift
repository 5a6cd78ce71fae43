import Crypto
import FoundationEssentials
import Glibc
import Knowledge
import Synchronization

/// An original on its way out, compared with its hash as it goes.
final class BlobReading: FileReading {
    private struct State {
        var offset = 0
        var hash = SHA256()
    }

    /// What one reader has in memory at a time.
    private static let pieceBytes = 256 << 10

    let bytes: Int
    private let path: String
    private let descriptor: Int32
    private let sha256: String
    private let disk: Workers
    private let state = Mutex(State())

    /// - Parameter descriptor: Of the file at `path`, open for reading; closed with this object.
    init(path: String, descriptor: Int32, bytes: Int, sha256: String, disk: Workers) {
        self.path = path
        self.descriptor = descriptor
        self.bytes = bytes
        self.sha256 = sha256
        self.disk = disk
    }

    deinit { close(descriptor) }

    func next() async throws -> Data? {
        try await disk.run(.urgent) { [self] in try state.withLock { try read(&$0) } }
    }

    private func read(_ state: inout State) throws -> Data? {
        let count = min(Self.pieceBytes, bytes - state.offset)
        guard count > 0 else { return nil }
        let piece = try FileSystem.bytes(of: descriptor, at: state.offset, count: count, path: path)
        guard piece.count == count else { throw StorageError.damaged("\(path) is shorter than it was") }
        state.hash.update(data: piece)
        state.offset += count
        // The hash is that of all bytes so far; the one of the last piece ends the check.
        guard state.offset < bytes || state.hash.finalize().hexadecimal == sha256 else {
            throw StorageError.damaged("the file \(path) has not the content it is named after")
        }
        return piece
    }
}

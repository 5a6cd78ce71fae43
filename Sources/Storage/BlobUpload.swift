import Crypto
import Glibc
import Knowledge
import Synchronization

/// An upload on its way to a temporary file, hashed as it comes in. Goes away with its file unless it was admitted.
final class BlobUpload: FileUpload {
    /// What a finished upload amounts to.
    struct Content {
        var path: String
        var bytes: Int
        var sha256: String
    }

    private struct State {
        /// Nil once the upload has ended.
        var descriptor: Int32?
        var hash = SHA256()
        var bytes = 0
    }

    private let path: String
    private let disk: Workers
    private let state: Mutex<State>

    /// Opens the file; waits for the disk.
    init(path: String, disk: Workers) throws {
        guard let descriptor = try FileSystem.open(path, O_WRONLY | O_CREAT | O_EXCL) else {
            throw StorageError.failed("the folder of \(path) is gone")
        }
        self.path = path
        self.disk = disk
        state = Mutex(State(descriptor: descriptor))
    }

    deinit { end() }

    @discardableResult
    func append(_ bytes: [UInt8]) async throws -> Int {
        try await disk.run { [self] in
            try state.withLock { state in
                guard let descriptor = state.descriptor else { throw StorageError.uploadEnded }
                do {
                    try bytes.withUnsafeBytes { try FileSystem.write($0, to: descriptor, path: path) }
                } catch {
                    // Some of the bytes may have been written: what follows would stand in the wrong place.
                    Self.end(&state, path)
                    throw error
                }
                state.hash.update(data: bytes)
                state.bytes += bytes.count
                return state.bytes
            }
        }
    }

    func discard() async {
        // Runs not at all where the task was cancelled; then `deinit` does the same a little later.
        try? await disk.run { [self] in end() }
    }

    /// Puts the content on disk and ends the upload; the file at `path` is the caller's from here on.
    func finish() throws -> Content {
        try state.withLock { state in
            guard let descriptor = state.descriptor else { throw StorageError.uploadEnded }
            do {
                try FileSystem.synchronize(descriptor, path: path)
            } catch {
                Self.end(&state, path)
                throw error
            }
            close(descriptor)
            state.descriptor = nil
            return Content(path: path, bytes: state.bytes, sha256: state.hash.finalize().hexadecimal)
        }
    }

    private func end() {
        state.withLock { Self.end(&$0, path) }
    }

    private static func end(_ state: inout State, _ path: String) {
        guard let descriptor = state.descriptor else { return }
        close(descriptor)
        // A file that cannot be removed now is removed at the next start.
        try? FileSystem.unlink(path)
        state.descriptor = nil
    }
}

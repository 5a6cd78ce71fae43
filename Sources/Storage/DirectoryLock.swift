import Glibc
import Synchronization

/// The right to be the only one at work in a data directory, held until it is released or goes away.
///
/// A lock of the kernel on the open file: it ends with the process, however that ends, and a stale file means nothing.
final class DirectoryLock: Sendable {
    private let descriptor: Mutex<Int32?>

    /// Throws `StorageError.locked` at once if somebody else holds it.
    init(directory: String) throws {
        guard let descriptor = try FileSystem.open("\(directory)/lock", O_RDWR | O_CREAT) else {
            throw StorageError.failed("\(directory) is not a directory")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            throw StorageError.locked(directory: directory)
        }
        self.descriptor = Mutex(descriptor)
    }

    deinit { release() }

    func release() {
        descriptor.withLock { descriptor in
            if let open = descriptor { close(open) }
            descriptor = nil
        }
    }
}

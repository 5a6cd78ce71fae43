import FoundationEssentials
import Glibc

/// The few system calls that storing a file durably takes. All of them wait for the disk.
enum FileSystem {
    /// Opens for the flags given, never through a symbolic link and never into a child process. Nil if nothing is there.
    static func open(_ path: String, _ flags: Int32) throws -> Int32? {
        let descriptor = retrying { Glibc.open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0o600) }
        if descriptor < 0, errno == ENOENT { return nil }
        return try check(descriptor, "open", path)
    }

    static func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32, path: String) throws {
        var rest = bytes
        while !rest.isEmpty {
            let written = try check(
                retrying { Glibc.write(descriptor, rest.baseAddress, rest.count) }, "write", path)
            rest = UnsafeRawBufferPointer(rebasing: rest[written...])
        }
    }

    /// Waits until what was written is on disk. Never to be repeated after it failed: the kernel may have let go of the
    /// pages, and a second call would succeed without them.
    static func synchronize(_ descriptor: Int32, path: String) throws {
        try check(fsync(descriptor), "fsync", path)
    }

    /// Makes renamed and new names in a directory durable.
    static func synchronizeDirectory(_ path: String) throws {
        let descriptor = try check(
            retrying { Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }, "open", path)
        defer { close(descriptor) }
        try synchronize(descriptor, path: path)
    }

    static func rename(_ path: String, to target: String) throws {
        try check(Glibc.rename(path, target), "rename", path)
    }

    /// Removes a name; nothing happens if it is not there.
    static func unlink(_ path: String) throws {
        let result = Glibc.unlink(path)
        if result < 0, errno == ENOENT { return }
        try check(result, "unlink", path)
    }

    /// Makes a directory for this user alone.
    /// - Returns: False if it was there.
    @discardableResult
    static func makeDirectory(_ path: String) throws -> Bool {
        let result = mkdir(path, 0o700)
        if result < 0, errno == EEXIST { return false }
        try check(result, "mkdir", path)
        return true
    }

    /// All bytes of a file, or nil if it is not there.
    static func contents(_ path: String) throws -> Data? {
        guard let descriptor = try open(path, O_RDONLY) else { return nil }
        defer { close(descriptor) }
        var status = stat()
        try check(fstat(descriptor, &status), "fstat", path)
        var data = Data(count: Int(status.st_size))
        try data.withUnsafeMutableBytes { buffer in
            var filled = 0
            while filled < buffer.count {
                let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[filled...])
                let count = try check(retrying { read(descriptor, rest.baseAddress, rest.count) }, "read", path)
                guard count > 0 else { throw StorageError.damaged("\(path) became shorter while it was read") }
                filled += count
            }
        }
        return data
    }

    /// A stretch of a file, shorter where the file ends; nil if it is not there.
    static func bytes(_ path: String, at offset: Int, count: Int) throws -> Data? {
        guard let descriptor = try open(path, O_RDONLY) else { return nil }
        defer { close(descriptor) }
        return try bytes(of: descriptor, at: offset, count: count, path: path)
    }

    /// A stretch of an open file, shorter where the file ends.
    static func bytes(of descriptor: Int32, at offset: Int, count: Int, path: String) throws -> Data {
        var data = Data(count: count)
        let filled = try data.withUnsafeMutableBytes { buffer in
            var filled = 0
            while filled < buffer.count {
                let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[filled...])
                let place = off_t(offset + filled)
                let count = try check(retrying { pread(descriptor, rest.baseAddress, rest.count, place) }, "read", path)
                guard count > 0 else { break }
                filled += count
            }
            return filled
        }
        return data.prefix(filled)
    }

    /// Repeats a call that a signal interrupted.
    private static func retrying<Result: SignedInteger>(_ call: () -> Result) -> Result {
        while true {
            let result = call()
            if result >= 0 || errno != EINTR { return result }
        }
    }

    /// Turns a call's failure into an error that names the call and the file.
    @discardableResult
    private static func check<Value: SignedInteger>(_ result: Value, _ call: String, _ path: String) throws -> Value {
        guard result < 0 else { return result }
        let code = errno
        if code == ENOSPC || code == EDQUOT { throw StorageError.diskFull }
        throw StorageError.failed("\(call) \(path): \(String(cString: strerror(code)))")
    }
}

import Crypto
import FoundationEssentials
import Glibc
import Knowledge

/// Originals by content: `files/ab/abcd…`, the name being the SHA-256 of the bytes. No name from outside becomes a path.
///
/// Everything here waits for the disk. Adding and removing take place inside the database's writer, one at a time,
/// so that a removal cannot take the bytes away from a row that is just being added.
struct BlobFolder: Sendable {
    private let files: String
    private let uploads: String
    /// Parts of uploads that are not completed, by their ids.
    private let parts: String

    /// Makes the folders and empties that of unfinished uploads.
    init(directory: String) throws {
        files = "\(directory)/files"
        uploads = "\(directory)/uploads"
        parts = "\(directory)/parts"
        try FileSystem.makeDirectory(parts)
        try FileSystem.makeDirectory(files)
        try FileSystem.makeDirectory(uploads)
        do {
            for name in try FileManager.default.contentsOfDirectory(atPath: uploads) {
                try FileSystem.unlink("\(uploads)/\(name)")
            }
        } catch let error as CocoaError {
            throw StorageError.failed("cannot list \(uploads): \(error)")
        }
    }

    /// A path for a new upload.
    func uploadPath() -> String {
        "\(uploads)/\(String(UInt64.random(in: 0...UInt64.max), radix: 36))"
    }

    /// Moves a file whose content is already on disk to its place; name and content are durable afterwards. Content
    /// that is there already is put in place once more.
    func adopt(_ path: String, as sha256: String) throws {
        if try FileSystem.makeDirectory(folder(of: sha256)) { try FileSystem.synchronizeDirectory(files) }
        try FileSystem.rename(path, to: self.path(of: sha256))
        try FileSystem.synchronizeDirectory(folder(of: sha256))
    }

    func remove(_ sha256: String) throws {
        try FileSystem.unlink(path(of: sha256))
    }

    /// Opens a content for reading; nil if it is not there.
    func open(_ sha256: String) throws -> (path: String, descriptor: Int32)? {
        let path = path(of: sha256)
        return try FileSystem.open(path, O_RDONLY).map { (path, $0) }
    }

    /// The bytes, checked against their hash; nil if they are not there.
    func contents(of sha256: String) throws -> Data? {
        guard let data = try FileSystem.contents(path(of: sha256)) else { return nil }
        guard SHA256.hash(data: data).hexadecimal == sha256 else {
            throw StorageError.damaged("the file \(path(of: sha256)) has not the content it is named after")
        }
        return data
    }

    /// What is wrong with a content; nil where nothing is.
    /// - Parameter readsAll: Whether the bytes are compared with the name, and not only counted.
    func problem(of sha256: String, bytes: Int, readsAll: Bool) -> String? {
        do {
            if readsAll {
                return try contents(of: sha256) == nil ? "the content \(sha256) is not there" : nil
            }
            let attributes = try FileManager.default.attributesOfItem(atPath: path(of: sha256))
            let size = (attributes[.size] as? UInt64).map(Int.init)
            return size == bytes ? nil : "the content \(sha256) has \(size ?? 0) bytes, not \(bytes)"
        } catch StorageError.damaged(let what) {
            return what
        } catch {
            return "the content \(sha256) cannot be read"
        }
    }

    /// All contents that are there, named by a row or not.
    func names() throws -> Set<String> {
        do {
            return try Set(
                FileManager.default.contentsOfDirectory(atPath: files).flatMap { folder in
                    try FileManager.default.contentsOfDirectory(atPath: "\(files)/\(folder)")
                })
        } catch {
            throw StorageError.failed("cannot list \(files): \(error)")
        }
    }

    /// A stretch of the bytes, unchecked, shorter where the file ends; nil if it is not there.
    func bytes(of sha256: String, at offset: Int, count: Int) throws -> Data? {
        try FileSystem.bytes(path(of: sha256), at: offset, count: count)
    }

    // MARK: - Parts

    /// Moves a part whose content is already on disk to its place; its name is durable afterwards.
    func adopt(_ path: String, as part: UploadPartID) throws {
        try FileSystem.rename(path, to: self.path(of: part))
        try FileSystem.synchronizeDirectory(parts)
    }

    func remove(_ ids: [UploadPartID]) throws {
        for id in ids { try FileSystem.unlink(path(of: id)) }
    }

    func bytes(of part: UploadPartID, at offset: Int, count: Int) throws -> Data? {
        try FileSystem.bytes(path(of: part), at: offset, count: count)
    }

    /// Removes the parts that have no row.
    func keepParts(_ known: Set<String>) throws {
        do {
            for name in try FileManager.default.contentsOfDirectory(atPath: parts) where !known.contains(name) {
                try FileSystem.unlink("\(parts)/\(name)")
            }
        } catch let error as CocoaError {
            throw StorageError.failed("cannot list \(parts): \(error)")
        }
    }

    /// Part ids are of our own making, so that they can be names; those that clients send are looked up first.
    private func path(of part: UploadPartID) -> String { "\(parts)/\(part.rawValue)" }

    private func folder(of sha256: String) -> String { "\(files)/\(sha256.prefix(2))" }
    private func path(of sha256: String) -> String { "\(folder(of: sha256))/\(sha256)" }
}

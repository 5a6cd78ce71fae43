package import FoundationEssentials

/// An uploaded original. Its bytes lie in the blob store under their SHA-256; the client's name is data, never a path.
package struct StoredFile: Hashable, Sendable {
    package var id: FileID
    package var name: String
    package var bytes: Int
    /// SHA-256 of the content, 64 lower-case hexadecimal digits.
    package var sha256: String
    /// What the client said it uploads for: `assistants`, `batch`, `user_data`, …
    package var purpose: String
    package var createdAt: Date
    /// When it goes by itself; nil: it stays.
    package var expiresAt: Date?

    package init(
        id: FileID = .random(), name: String, bytes: Int, sha256: String, purpose: String, createdAt: Date,
        expiresAt: Date? = nil
    ) {
        self.id = id
        self.name = name
        self.bytes = bytes
        self.sha256 = sha256
        self.purpose = purpose
        self.createdAt = createdAt
        self.expiresAt = expiresAt
    }
}

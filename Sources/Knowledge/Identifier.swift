/// What names a thing for good: a prefix that tells its kind, then 24 random letters and digits.
///
/// Concrete types on purpose, so that a file's id cannot be passed where a knowledge base's is wanted. An id is never
/// a permission: every look-up also asks for the tenant.
package protocol Identifier: RawRepresentable, Hashable, Sendable, Codable, CustomStringConvertible
where RawValue == String {
    /// What every id of this kind begins with, separator included.
    static var prefix: String { get }
    init(rawValue: String)
}

extension Identifier {
    /// A new id: 24 characters of base 62, 142 random bits.
    package static func random() -> Self {
        let alphabet = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
        return Self(rawValue: prefix + String((0..<24).map { _ in alphabet[Int.random(in: 0..<62)] }))
    }

    package var description: String { rawValue }
}

package struct TenantID: Identifier {
    package static let prefix = "tenant_"
    package let rawValue: String
    package init(rawValue: String) { self.rawValue = rawValue }
}

package struct KeyID: Identifier {
    package static let prefix = "key_"
    package let rawValue: String
    package init(rawValue: String) { self.rawValue = rawValue }
}

package struct FileID: Identifier {
    package static let prefix = "file-"
    package let rawValue: String
    package init(rawValue: String) { self.rawValue = rawValue }
}

/// A knowledge base is an OpenAI vector store: the same id on both faces.
package struct KnowledgeBaseID: Identifier {
    package static let prefix = "vs_"
    package let rawValue: String
    package init(rawValue: String) { self.rawValue = rawValue }
}

/// What OpenAI calls a vector store file batch.
package struct FileBatchID: Identifier {
    package static let prefix = "vsfb_"
    package let rawValue: String
    package init(rawValue: String) { self.rawValue = rawValue }
}

package struct DocumentID: Identifier {
    package static let prefix = "doc_"
    package let rawValue: String
    package init(rawValue: String) { self.rawValue = rawValue }
}

package struct ExpertID: Identifier {
    package static let prefix = "expert_"
    package let rawValue: String
    package init(rawValue: String) { self.rawValue = rawValue }
}

package struct JobID: Identifier {
    package static let prefix = "job_"
    package let rawValue: String
    package init(rawValue: String) { self.rawValue = rawValue }
}

/// A chunk's row. Never shown to clients: they cite documents by character range.
package struct ChunkID: Hashable, Sendable, Comparable {
    package let rawValue: Int64
    package init(_ rawValue: Int64) { self.rawValue = rawValue }
    package static func < (one: ChunkID, other: ChunkID) -> Bool { one.rawValue < other.rawValue }
}

/// A document under a name that its owner gave it, such as its path in a folder that is mirrored.
package struct NamedDocument: Hashable, Sendable {
    package var name: String
    package var document: Document
    /// Of the document's content: 64 hexadecimal digits.
    package var sha256: String

    package init(name: String, document: Document, sha256: String) {
        self.name = name
        self.document = document
        self.sha256 = sha256
    }
}

/// What putting content under a name came to.
package enum NameChange: String, Sendable {
    case created, replaced, unchanged
}

/// Documents by the names that clients give them. A name is of one knowledge base.
package protocol NamedDocumentStore: Sendable {
    /// Puts a file under a name, in place of what is there. Searches find the old document until the new one is
    /// indexed, and from then on the new one only.
    ///
    /// Content that is under the name already changes nothing, and its file is removed again.
    func put(
        _ attachment: Attachment, as name: String, in base: KnowledgeBaseID, scope: Scope
    ) async throws -> (NamedDocument, NameChange)
    /// What was put last under each name, in the order of the names' bytes, behind `after`.
    func namedDocuments(
        of base: KnowledgeBaseID, after: String?, limit: Int, in scope: Scope
    ) async throws -> Listing<NamedDocument>
    /// Removes the name, its document unless that has other files, and its file unless others have use of it.
    func remove(named name: String, from base: KnowledgeBaseID, in scope: Scope) async throws
}

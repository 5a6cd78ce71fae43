package import Knowledge

/// Puts a file into a knowledge base: its document and its job are on disk when this returns.
package struct AttachFile: Sendable {
    let documents: any DocumentStore
    let wakeUp: WakeUp

    package init(documents: any DocumentStore, wakeUp: WakeUp) {
        self.documents = documents
        self.wakeUp = wakeUp
    }

    package func callAsFunction(
        _ attachment: Attachment, to base: KnowledgeBaseID, in scope: Scope
    ) async throws -> Document {
        let document = try await documents.attach(attachment, to: base, in: scope)
        wakeUp()
        return document
    }
}

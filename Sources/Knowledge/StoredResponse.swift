package import FoundationEssentials

/// An answer of the Responses API that is kept, so that a later request can go on from it.
package struct StoredResponse: Hashable, Sendable {
    package var id: ResponseID
    /// What it went on from.
    package var previous: ResponseID?
    /// The items of its own request, each with an id; not those of the responses before.
    package var input: [JSONValue]
    /// The whole `response` object as the client got it; its `output` belongs to the conversation.
    package var object: JSONValue
    package var createdAt: Date

    package init(
        id: ResponseID, previous: ResponseID?, input: [JSONValue], object: JSONValue, createdAt: Date
    ) {
        self.id = id
        self.previous = previous
        self.input = input
        self.object = object
        self.createdAt = createdAt
    }
}

package struct ResponseID: Identifier {
    package static let prefix = "resp_"
    package let rawValue: String
    package init(rawValue: String) { self.rawValue = rawValue }
}

/// Where responses are kept.
package protocol ResponseStore: Sendable {
    func add(_ response: StoredResponse, in scope: Scope) async throws
    /// Throws `RequestError.notFound` with no parameter.
    func response(_ id: ResponseID, in scope: Scope) async throws -> StoredResponse
    /// This response and what it goes on from, oldest first, back to where one is gone.
    ///
    /// Throws `RequestError.notFound`, with no parameter, where this one is gone, and `RequestError.invalid` for more
    /// than 8 MiB.
    func conversation(upTo id: ResponseID, in scope: Scope) async throws -> [StoredResponse]
    func remove(_ id: ResponseID, in scope: Scope) async throws
}

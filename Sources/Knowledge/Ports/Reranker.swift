/// Judges how well passages answer a query by reading both together.
package protocol Reranker: Sendable {
    /// The relevance of each passage, 0…1, in the same order.
    func relevance(of passages: [String], to query: String) async throws -> [Double]
}

/// How much there is of what, over all tenants: for those who run the server.
package struct StoreFigures: Hashable, Sendable {
    /// Jobs by status.
    package var jobs: [String: Int]
    /// Documents by status.
    package var documents: [String: Int]
    /// What is indexed, by embedding model.
    package var indexes: [String: IndexSize]
    /// Of the database file, without its log and the originals.
    package var databaseBytes: Int

    package struct IndexSize: Hashable, Sendable {
        package var vectors: Int
        /// Of texts and vectors.
        package var bytes: Int

        package init(vectors: Int, bytes: Int) {
            self.vectors = vectors
            self.bytes = bytes
        }
    }

    package init(
        jobs: [String: Int] = [:], documents: [String: Int] = [:], indexes: [String: IndexSize] = [:],
        databaseBytes: Int = 0
    ) {
        self.jobs = jobs
        self.documents = documents
        self.indexes = indexes
        self.databaseBytes = databaseBytes
    }
}

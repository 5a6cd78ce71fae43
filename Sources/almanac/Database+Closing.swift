import Storage

extension Database {
    /// Works with the database and closes it, also where the work fails.
    func closing<Value: Sendable>(after work: @Sendable () async throws -> Value) async throws -> Value {
        do {
            let value = try await work()
            try await close()
            return value
        } catch {
            try? await close()  // The first error says more.
            throw error
        }
    }
}

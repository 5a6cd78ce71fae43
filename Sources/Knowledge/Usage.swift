/// Whose use is counted, of what, and when.
package struct UsageAccount: Hashable, Sendable {
    package var tenant: TenantID
    /// nil is the server's own key.
    package var key: KeyID?
    /// Days since 1970-01-01 in UTC.
    package var day: Int
    package var model: String

    package init(tenant: TenantID, key: KeyID?, day: Int, model: String) {
        self.tenant = tenant
        self.key = key
        self.day = day
        self.model = model
    }
}

/// Requests, and the tokens that they took.
package struct UsageSum: Hashable, Sendable {
    package var requests: Int
    package var promptTokens: Int
    package var completionTokens: Int

    package init(requests: Int = 0, promptTokens: Int = 0, completionTokens: Int = 0) {
        self.requests = requests
        self.promptTokens = promptTokens
        self.completionTokens = completionTokens
    }

    package static func += (sum: inout UsageSum, more: UsageSum) {
        sum.requests += more.requests
        sum.promptTokens += more.promptTokens
        sum.completionTokens += more.completionTokens
    }
}

/// Keeps what was used.
package protocol UsageStore: Sendable {
    /// Adds to what is there, all or nothing.
    func add(_ usage: [UsageAccount: UsageSum]) async throws
    /// What was used on these days, oldest first, then by key and model, at most `limit` accounts.
    ///
    /// - Parameters:
    ///   - tenant: nil means all.
    ///   - key: Where given, this key's use alone.
    func usage(
        of tenant: TenantID?, key: KeyID?, days: ClosedRange<Int>, limit: Int
    ) async throws -> [(account: UsageAccount, sum: UsageSum)]
}

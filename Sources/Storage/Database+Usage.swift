import GRDB
package import Knowledge

extension Database: UsageStore {
    package func add(_ usage: [UsageAccount: UsageSum]) async throws {
        try await write { db in
            for (account, sum) in usage {
                try db.execute(
                    sql: """
                        INSERT INTO usage (tenant_id, key_id, day, model, requests, prompt_tokens, completion_tokens)
                        VALUES (?, ?, ?, ?, ?, ?, ?)
                        ON CONFLICT DO UPDATE SET requests = requests + excluded.requests,
                            prompt_tokens = prompt_tokens + excluded.prompt_tokens,
                            completion_tokens = completion_tokens + excluded.completion_tokens
                        """,
                    arguments: [
                        account.tenant.rawValue, account.key?.rawValue ?? "", account.day, account.model, sum.requests,
                        sum.promptTokens, sum.completionTokens,
                    ])
            }
        }
    }

    package func usage(
        of tenant: TenantID?, key: KeyID?, days: ClosedRange<Int>, limit: Int
    ) async throws -> [(account: UsageAccount, sum: UsageSum)] {
        try await read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT * FROM usage
                    WHERE (:tenant IS NULL OR tenant_id = :tenant) AND (:key IS NULL OR key_id = :key)
                        AND day BETWEEN :first AND :last
                    ORDER BY day, tenant_id, key_id, model LIMIT :limit
                    """,
                arguments: [
                    "tenant": tenant?.rawValue, "key": key?.rawValue, "first": days.lowerBound, "last": days.upperBound,
                    "limit": limit,
                ]
            ).map { row in
                let key: String = try row.get("key_id")
                return (
                    UsageAccount(
                        tenant: try row.id("tenant_id"), key: key.isEmpty ? nil : KeyID(rawValue: key),
                        day: try row.get("day"), model: try row.get("model")),
                    UsageSum(
                        requests: try row.get("requests"), promptTokens: try row.get("prompt_tokens"),
                        completionTokens: try row.get("completion_tokens"))
                )
            }
        }
    }
}

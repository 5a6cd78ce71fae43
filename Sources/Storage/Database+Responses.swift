package import FoundationEssentials
import GRDB
package import Knowledge

extension Database: ResponseStore {
    /// Links of one conversation that are followed; a request takes no more items than this either.
    private static let longestConversation = 2_048

    package func add(_ response: StoredResponse, in scope: Scope) async throws {
        let (input, object) = (try jsonBytes(response.input), try jsonBytes(response.object))
        try await write { db in
            try db.admit(scope.tenant)
            try db.execute(
                sql: """
                    INSERT INTO response (id, tenant_id, previous_id, input, object, created_at)
                    VALUES (?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    response.id.rawValue, scope.tenant.rawValue, response.previous?.rawValue, input, object,
                    response.createdAt.milliseconds,
                ])
        }
    }

    package func response(_ id: ResponseID, in scope: Scope) async throws -> StoredResponse {
        try await read { db in try db.response(id, of: scope.tenant) }
    }

    package func conversation(upTo id: ResponseID, in scope: Scope) async throws -> [StoredResponse] {
        try await read { db in
            var links: [StoredResponse] = []
            var next: ResponseID? = id
            while let id = next {
                guard links.count < Self.longestConversation else {
                    throw RequestError.invalid(
                        parameter: "previous_response_id",
                        message: "must go on from at most \(Self.longestConversation) responses")
                }
                links.append(try db.response(id, of: scope.tenant))
                next = links.last?.previous
            }
            return links.reversed()
        }
    }

    package func remove(_ id: ResponseID, in scope: Scope) async throws {
        try await write { db in
            _ = try db.response(id, of: scope.tenant)
            try db.execute(
                sql: "DELETE FROM response WHERE tenant_id = ? AND id = ?",
                arguments: [scope.tenant.rawValue, id.rawValue])
        }
    }

    /// Forgets what was stored before a time, of all tenants.
    package func removeResponses(before time: Date) async throws {
        try await write { db in
            try db.execute(sql: "DELETE FROM response WHERE created_at < ?", arguments: [time.milliseconds])
        }
    }
}

extension Connection {
    /// A tenant's response, or `RequestError.notFound`.
    fileprivate func response(_ id: ResponseID, of tenant: TenantID) throws -> StoredResponse {
        let row = try Row.fetchOne(
            self, sql: "SELECT * FROM response WHERE tenant_id = ? AND id = ?",
            arguments: [tenant.rawValue, id.rawValue])
        guard let row else { throw RequestError.notFound("response", id: id.rawValue, parameter: nil) }
        return StoredResponse(
            id: try row.id("id"), previous: try row.find("previous_id").map(ResponseID.init(rawValue:)),
            input: try row.jsonBytes("input"), object: try row.jsonBytes("object"),
            createdAt: try row.date("created_at"))
    }
}

/// A value as the bytes of a JSON column that may hold any text.
func jsonBytes(_ value: some Encodable) throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return try encoder.encode(value)
}

extension Row {
    func jsonBytes<Value: Decodable>(_ column: String, as type: Value.Type = Value.self) throws -> Value {
        let data: Data = try get(column)
        do {
            return try JSONDecoder().decode(type, from: data)
        } catch {
            throw StorageError.damaged("column \(column) holds other JSON: \(error)")
        }
    }
}

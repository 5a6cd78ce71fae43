package import FoundationEssentials
import GRDB
package import Knowledge

extension Database: ResponseStore {
    /// Links of one conversation that are followed; a request takes no more items than this either.
    private static let longestConversation = 2_048
    /// Bytes of one conversation that are read, as JSON: as many as a request may have by itself.
    private static let largestConversation = 8 << 20

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
        let links = try await read { db in
            var (links, bytes) = ([ResponseBytes](), 0)
            var next: ResponseID? = id
            while let id = next, let link = try db.responseBytes(id, of: scope.tenant) {
                links.append(link)
                bytes += link.input.count + link.object.count
                guard links.count <= Self.longestConversation, bytes <= Self.largestConversation else {
                    throw RequestError.invalid(
                        parameter: "previous_response_id",
                        message: """
                            must go on from at most \(Self.longestConversation) responses, and \
                            \(Self.largestConversation) bytes of them
                            """)
                }
                next = link.previous
            }
            guard !links.isEmpty else { throw RequestError.notFound("response", id: id.rawValue, parameter: nil) }
            return links
        }
        return try await onDisk { try links.reversed().map { try $0.decoded() } }
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

/// A response as it lies in the database.
private struct ResponseBytes: Sendable {
    var id: ResponseID
    var previous: ResponseID?
    var input: Data
    var object: Data
    var createdAt: Date

    func decoded() throws -> StoredResponse {
        StoredResponse(
            id: id, previous: previous, input: try json(input, of: "input"), object: try json(object, of: "object"),
            createdAt: createdAt)
    }

    private func json<Value: Decodable>(_ data: Data, of column: String) throws -> Value {
        do {
            return try JSONDecoder().decode(Value.self, from: data)
        } catch {
            throw StorageError.damaged("column \(column) holds other JSON: \(error)")
        }
    }
}

extension Connection {
    /// A tenant's response, or `RequestError.notFound`.
    fileprivate func response(_ id: ResponseID, of tenant: TenantID) throws -> StoredResponse {
        guard let response = try responseBytes(id, of: tenant) else {
            throw RequestError.notFound("response", id: id.rawValue, parameter: nil)
        }
        return try response.decoded()
    }

    fileprivate func responseBytes(_ id: ResponseID, of tenant: TenantID) throws -> ResponseBytes? {
        try Row.fetchOne(
            self, sql: "SELECT * FROM response WHERE tenant_id = ? AND id = ?",
            arguments: [tenant.rawValue, id.rawValue]
        ).map { row in
            ResponseBytes(
                id: try row.id("id"), previous: try row.find("previous_id").map(ResponseID.init(rawValue:)),
                input: try row.get("input"), object: try row.get("object"), createdAt: try row.date("created_at"))
        }
    }
}

/// A value as the bytes of a JSON column that may hold any text.
func jsonBytes(_ value: some Encodable) throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return try encoder.encode(value)
}

import Hummingbird
import Knowledge
import OpenAIWire
import Service

/// `/api/v1/keys`, for admin keys.
struct KeyRoutes: Sendable {
    let keys: Keys

    func add(to group: RouterGroup<AppContext>) {
        group.get("keys") { _, context in
            try await Response.json(["keys": .array(keys.all(for: context.admin()).map { wire($0) })])
        }
        .post("keys", use: create)
        .delete("keys/:key") { _, context in
            let id: KeyID = try context.id("key")
            try await keys.revoke(id, for: context.admin())
            return try Response.json(wireDeleted(id.rawValue, object: "key"))
        }
    }

    /// The one answer that shows the secret. A tenant that is new is made with its first key.
    private func create(_ request: Request, _ context: AppContext) async throws -> Response {
        let scope = try context.admin()
        let body = try await request.fields()
        let tenant = try body.string("tenant", maxLength: 64).map(TenantID.init) ?? scope.tenant
        guard !tenant.rawValue.isEmpty, tenant.rawValue.allSatisfy({ $0.isLetter || $0.isNumber || "-_.".contains($0) })
        else { throw body.invalid("tenant", "must be letters, digits, '-', '_' or '.'") }
        let (key, secret) = try await keys.create(
            name: body.string("name", maxLength: 256) ?? "", role: body.choice("role") ?? .user, tenant: tenant,
            by: scope)
        guard case .object(var fields) = wire(key) else { return try Response.json(wire(key)) }
        fields["key"] = .string(secret)
        return try Response.json(.object(fields), status: .created)
    }
}

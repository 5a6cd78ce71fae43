import Crypto
import FoundationEssentials
package import Knowledge

/// API keys: made, checked and revoked. Only digests are stored.
package struct Keys: Sendable {
    private let store: any KeyStore
    /// A secret that works as long as the process runs and is in no database; how the command line speaks to its server.
    private let sessionDigest: String?
    private let tenant: TenantID

    /// - Parameter tenant: The operator's: that of the first admin key and of the session's own secret. Its admins manage
    ///   the keys of all tenants, other admins those of their own.
    package init(store: any KeyStore, tenant: TenantID, sessionSecret: String? = nil) {
        self.store = store
        self.tenant = tenant
        sessionDigest = sessionSecret.map(Self.digest)
    }

    /// Whom a secret belongs to, nil where it is unknown or revoked. Looked up on every request, so that revoking works
    /// at once.
    package func scope(of secret: String) async throws -> Scope? {
        let digest = Self.digest(of: secret)
        if digest == sessionDigest { return Scope(tenant: tenant, role: .admin) }
        return try await store.key(digest: digest).map { Scope(tenant: $0.tenant, role: $0.role, key: $0.id) }
    }

    /// Makes a key; its secret is nowhere but in the result. Other tenants' keys are for the operator's admins to make.
    package func create(
        name: String, role: Scope.Role, tenant: TenantID, by scope: Scope
    ) async throws -> (key: APIKey, secret: String) {
        guard tenant == scope.tenant || isOperator(scope) else {
            throw RequestError.forbidden("This key makes keys of the tenant '\(scope.tenant)' only.")
        }
        let secret = Self.newSecret()
        let key = try await add(secret, name: name, role: role, tenant: tenant)
        return (key, secret)
    }

    /// Stores the operator's own secret as an admin key.
    /// - Returns: Whether it opens the door: a key that was revoked stays so.
    package func adopt(_ secret: String) async throws -> Bool {
        _ = try await add(secret, name: "admin", role: .admin, tenant: tenant)
        return try await scope(of: secret) != nil
    }

    /// The first admin key, where there is no key yet.
    /// - Returns: Its secret, nil where keys exist.
    package func createFirst() async throws -> String? {
        guard try await store.keys(of: nil).isEmpty else { return nil }
        let scope = Scope(tenant: tenant, role: .admin)
        return try await create(name: "admin", role: .admin, tenant: tenant, by: scope).secret
    }

    /// The keys that these admins manage: their own tenant's, and all for the operator's.
    package func all(for scope: Scope) async throws -> [APIKey] { try await store.keys(of: managed(by: scope)) }

    package func revoke(_ id: KeyID, for scope: Scope) async throws {
        try await store.revoke(id, of: managed(by: scope), at: Date())
    }

    /// Whether the scope is of the tenant whose admins manage the whole server.
    package func isOperator(_ scope: Scope) -> Bool { scope.tenant == tenant }

    private func managed(by scope: Scope) -> TenantID? { isOperator(scope) ? nil : scope.tenant }

    private func add(
        _ secret: String, name: String, role: Scope.Role, tenant: TenantID
    ) async throws -> APIKey {
        let key = APIKey(
            name: name, tenant: tenant, role: role, digest: Self.digest(of: secret), hint: String(secret.suffix(4)),
            createdAt: Date())
        try await store.add(key)
        return key
    }

    /// `alm-` and 43 letters and digits: 256 random bits.
    package static func newSecret() -> String {
        let alphabet = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
        return "alm-" + String((0..<43).map { _ in alphabet[Int.random(in: 0..<62)] })
    }

    private static func digest(of secret: String) -> String {
        SHA256.hash(data: Array(secret.utf8)).map { byte in
            let digits = String(byte, radix: 16)
            return digits.count == 1 ? "0" + digits : digits
        }.joined()
    }
}

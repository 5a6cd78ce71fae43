package import FoundationEssentials

/// On whose behalf something is done. Made by authentication alone and handed to every store, whose SQL asks for it.
package struct Scope: Hashable, Sendable {
    package var tenant: TenantID
    package var role: Role
    /// By which key; nil for the server's own, and for its background work.
    package var key: KeyID?
    /// Whether nobody waits for it, as for the lines of a batch: that counts against no limit by the minute.
    package var isBackground: Bool

    package init(tenant: TenantID, role: Role, key: KeyID? = nil, isBackground: Bool = false) {
        self.tenant = tenant
        self.role = role
        self.key = key
        self.isBackground = isBackground
    }

    /// What a key may do beside using its tenant's knowledge: an `admin` key also manages keys.
    package enum Role: String, Sendable, Codable, CaseIterable {
        case user, admin
    }
}

/// An API key as it is stored: never the secret itself, only its SHA-256 digest.
package struct APIKey: Hashable, Sendable {
    package var id: KeyID
    package var name: String
    package var tenant: TenantID
    package var role: Scope.Role
    /// SHA-256 of the whole secret, 64 hexadecimal digits. The secret has at least 128 random bits, so a plain hash holds.
    package var digest: String
    /// The secret's last four characters, so that people can tell their keys apart.
    package var hint: String
    package var createdAt: Date
    package var revokedAt: Date?

    package init(
        id: KeyID = .random(), name: String, tenant: TenantID, role: Scope.Role, digest: String, hint: String,
        createdAt: Date, revokedAt: Date? = nil
    ) {
        self.id = id
        self.name = name
        self.tenant = tenant
        self.role = role
        self.digest = digest
        self.hint = hint
        self.createdAt = createdAt
        self.revokedAt = revokedAt
    }
}

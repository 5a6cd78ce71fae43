package import Knowledge
import Synchronization

/// Ends the answers that are being made for a key, at the holder's word.
package final class StopSwitch: Sendable {
    /// Whose answers end together: those of one key, or of a tenant's own session.
    private struct Owner: Hashable {
        var tenant: TenantID
        var key: KeyID?
    }

    /// How often each has pulled the switch.
    private let pulls = Mutex<[Owner: Int]>([:])

    package init() {}

    /// Ends every answer of this caller that is under way; each gives what it has so far.
    package func stop(_ scope: Scope) {
        pulls.withLock { $0[Owner(tenant: scope.tenant, key: scope.key), default: 0] += 1 }
    }

    /// Whether the switch has been pulled since.
    func watch(_ scope: Scope) -> @Sendable () -> Bool {
        let owner = Owner(tenant: scope.tenant, key: scope.key)
        let before = pulls.withLock { $0[owner] }
        return { [self] in pulls.withLock { $0[owner] } != before }
    }
}

package import Knowledge
import Synchronization

/// Ends the answers that are being made for a key, at the holder's word.
package final class StopSwitch: Sendable {
    /// Whose answers end together: those of one key, or of a tenant's own session.
    private struct Owner: Hashable {
        var tenant: TenantID
        var key: KeyID?
    }

    /// What each owner's next pull opens.
    private let latches = Mutex<[Owner: Latch]>([:])

    package init() {}

    /// Ends every answer of this caller that is under way; each gives what it has so far.
    package func stop(_ scope: Scope) {
        latches.withLock { $0.removeValue(forKey: Owner(tenant: scope.tenant, key: scope.key)) }?.open()
    }

    /// Opens when the switch is pulled after this call.
    func watch(_ scope: Scope) -> Latch {
        let owner = Owner(tenant: scope.tenant, key: scope.key)
        return latches.withLock { latches in
            if let latch = latches[owner] { return latch }
            let latch = Latch()
            latches[owner] = latch
            return latch
        }
    }
}

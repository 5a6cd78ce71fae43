import Foundation

/// Lets threads wait until a number of them have come.
final class Rendezvous: Sendable {
    private let condition = NSCondition()
    private let missing: Missing

    /// Only touched with the condition's lock held.
    private final class Missing: @unchecked Sendable {
        var count: Int
        init(_ count: Int) { self.count = count }
    }

    init(_ count: Int) { missing = Missing(count) }

    func meet() {
        condition.lock()
        defer { condition.unlock() }
        missing.count -= 1
        if missing.count == 0 { condition.broadcast() }
        while missing.count > 0 { condition.wait() }
    }
}

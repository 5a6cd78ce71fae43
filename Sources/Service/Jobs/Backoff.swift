import FoundationEssentials

enum Backoff {
    /// Doubles from 10 s to the cap, less up to half of it by chance, so that what failed together does not come back in
    /// step.
    static func seconds(afterAttempts attempts: Int, cap: TimeInterval = 900) -> TimeInterval {
        min(cap, 5 * Double(1 << min(max(attempts, 0), 20))) * Double.random(in: 0.5...1)
    }
}

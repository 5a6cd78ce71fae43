import Knowledge
import Synchronization

/// Which rows are read, and which codes of them.
struct ScanKey: Hashable, Sendable {
    /// Tell the snapshots from all others, older ones of the same knowledge bases included. Held, so that nothing new gets
    /// their identity while somebody waits.
    let snapshots: [FilterCache]
    let documents: DocumentFilter?
    let coarse: Funnel.Coarse
    /// Which of the parts into which threads divide the rows, and of how many.
    var share = 0
    var shares = 1

    static func == (one: ScanKey, other: ScanKey) -> Bool {
        one.share == other.share && one.shares == other.shares && one.coarse == other.coarse && one.documents === other.documents
            && one.snapshots.elementsEqual(other.snapshots, by: ===)
    }

    func hash(into hasher: inout Hasher) {
        for snapshot in snapshots { hasher.combine(ObjectIdentifier(snapshot)) }
        hasher.combine(documents.map(ObjectIdentifier.init))
        hasher.combine(coarse)
        hasher.combine(share)
        hasher.combine(shares)
    }
}

/// Lets searches that wait for a thread read the same codes together, so that codes come from memory once for all of them.
///
/// Whoever comes while all threads are busy joins those that wait for the same rows; a thread that is free takes its share of
/// them.
final class SharedScans: Sendable {
    /// Searches that read together: with more, those that came first would wait long for the last. Eight clients that search a
    /// million rows exactly get 1.8 times the answers of one, which has both threads for itself (measured).
    private static let most = 8

    private struct Waiting: Sendable {
        var number: Int
        var funnel: Funnel
        /// Given nil where the search was cancelled.
        var end: @Sendable (Sieve?) -> Void
    }

    private struct State {
        var lastNumber = 0
        /// Scans that have not ended.
        var underWay = 0
        var waiting: [ScanKey: [Waiting]] = [:]
    }

    private let state = Mutex(State())

    /// Whether nobody searches. Then a search may have all threads; or else they are better used by several.
    var isIdle: Bool { state.withLock { $0.underWay == 0 } }

    /// Searches that wait.
    var count: Int { state.withLock { $0.waiting.values.reduce(0) { $0 + $1.count } } }

    /// What codes leave of these rows, on one of the workers, or where it is called if that is a thread of any and nobody else
    /// searches.
    ///
    /// - Parameters:
    ///   - stretches: Whoever comes with the same key has the same.
    ///   - finish: What else is to be done there.
    /// - Throws: `CancellationError` where the task was cancelled before the scan began.
    func sift<Value: Sendable>(
        _ funnel: Funnel, _ stretches: [Funnel.Stretch], _ key: ScanKey, on workers: Workers,
        then finish: @escaping @Sendable (Sieve) -> Value
    ) async throws -> Value {
        try Task.checkCancellation()
        let (number, isAlone) = state.withLock { state in
            state.lastNumber += 1
            state.underWay += 1
            return (state.lastNumber, state.underWay == 1)
        }
        defer { state.withLock { $0.underWay -= 1 } }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let waits = Waiting(number: number, funnel: funnel) { sieve in
                    continuation.resume(with: sieve.map { .success(finish($0)) } ?? .failure(CancellationError()))
                }
                state.withLock { $0.waiting[key, default: []].append(waits) }
                if isAlone && Workers.areHere {
                    // Nobody to share with, and no other thread to wait for.
                    scan(stretches, key, on: workers)
                } else {
                    // One for each, so that all threads that are free take part; those that come too late find nothing.
                    workers.submit(.urgent) { self.scan(stretches, key, on: workers) }
                }
                // A cancellation that came before found nothing to end.
                if Task.isCancelled { cancel(number, key) }
            }
        } onCancel: {
            cancel(number, key)
        }
    }

    /// Whoever takes a search out of those that wait ends it, and nobody else.
    private func cancel(_ number: Int, _ key: ScanKey) {
        let cancelled = state.withLock { state -> Waiting? in
            guard let place = state.waiting[key]?.firstIndex(where: { $0.number == number }) else { return nil }
            let cancelled = state.waiting[key]?.remove(at: place)
            if state.waiting[key]?.isEmpty == true { state.waiting[key] = nil }
            return cancelled
        }
        cancelled?.end(nil)
    }

    private func scan(_ stretches: [Funnel.Stretch], _ key: ScanKey, on workers: Workers) {
        let some = state.withLock { state -> [Waiting] in
            let all = state.waiting[key] ?? []
            // As many as are left for each thread.
            let taken = min(Self.most, (all.count + workers.count - 1) / workers.count)
            state.waiting[key] = taken < all.count ? Array(all.dropFirst(taken)) : nil
            return Array(all.prefix(taken))
        }
        for (search, sieve) in zip(some, Funnel.sift(some.map(\.funnel), stretches)) { search.end(sieve) }
    }
}

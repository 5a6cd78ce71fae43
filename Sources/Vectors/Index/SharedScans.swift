import Knowledge
import Synchronization

/// Which rows are read, and which codes of them.
struct ScanKey: Hashable, Sendable {
    /// Tell the snapshots from all others, older ones of the same knowledge bases included. Held, so that nothing new gets
    /// their identity while somebody waits.
    let snapshots: [FilterCache]
    let documents: DocumentFilter?
    let coarse: Funnel.Coarse
    /// Which of the parts into which threads divide the rows.
    var share = 0

    static func == (one: ScanKey, other: ScanKey) -> Bool {
        one.share == other.share && one.coarse == other.coarse && one.documents === other.documents
            && one.snapshots.elementsEqual(other.snapshots, by: ===)
    }

    func hash(into hasher: inout Hasher) {
        for snapshot in snapshots { hasher.combine(ObjectIdentifier(snapshot)) }
        hasher.combine(documents.map(ObjectIdentifier.init))
        hasher.combine(coarse)
        hasher.combine(share)
    }
}

/// Lets searches that wait for a thread read the same codes together, so that codes come from memory once for all of them.
///
/// A search that finds a thread idle begins at once. Whoever comes while all threads are busy joins those that wait for the
/// same rows; the thread that is free next takes them all.
final class SharedScans: Sendable {
    /// Searches that read together: with more, those that came first would wait long for the last.
    private static let most = 8

    private struct Waiting: Sendable {
        var funnel: Funnel
        var end: @Sendable (Sieve) -> Void
    }

    private let waiting = Mutex<[ScanKey: [Waiting]]>([:])

    /// Searches that wait.
    var count: Int { waiting.withLock { $0.values.reduce(0) { $0 + $1.count } } }

    /// What codes leave of these rows, on one of the workers. A scan takes milliseconds: cancelled searches are not taken out.
    ///
    /// - Parameters:
    ///   - stretches: Whoever comes with the same key has the same.
    ///   - finish: What else is to be done there.
    func sift<Value: Sendable>(
        _ funnel: Funnel, _ stretches: [Funnel.Stretch], _ key: ScanKey, on workers: Workers,
        then finish: @escaping @Sendable (Sieve) -> Value
    ) async throws -> Value {
        try Task.checkCancellation()
        return await withCheckedContinuation { continuation in
            let isFirst = waiting.withLock { waiting in
                waiting[key, default: []].append(
                    Waiting(funnel: funnel) { sieve in continuation.resume(returning: finish(sieve)) })
                return waiting[key]?.count == 1
            }
            if isFirst { workers.submit(.urgent) { self.scan(stretches, key, on: workers) } }
        }
    }

    private func scan(_ stretches: [Funnel.Stretch], _ key: ScanKey, on workers: Workers) {
        let (some, isMore) = waiting.withLock { waiting in
            let all = waiting[key] ?? []
            waiting[key] = all.count > Self.most ? Array(all.dropFirst(Self.most)) : nil
            return (all.prefix(Self.most), all.count > Self.most)
        }
        if isMore { workers.submit(.urgent) { self.scan(stretches, key, on: workers) } }
        for (search, sieve) in zip(some, Funnel.sift(some.map(\.funnel), stretches)) { search.end(sieve) }
    }
}

package import Knowledge
import Synchronization

extension VectorIndex {
    /// What is held of a knowledge base.
    struct Held {
        /// Tells it from what was held of the same knowledge base before it was let go of.
        let number: Int
        var snapshot = Snapshot()
        /// Whether the store's segments were looked for.
        var isOpened = false
        /// The one change under way; whoever else wants the knowledge base waits for it too.
        var change: Task<Void, any Error>?
        /// Sealing or merging under way.
        var isKeptUp = false
        /// How often that failed since it last succeeded, and when it is tried again at the earliest.
        var failures = 0
        var retry: ContinuousClock.Instant?
        /// When it was last searched.
        var lastUse = ContinuousClock.now

        init(number: Int) {
            self.number = number
        }

        var isBusy: Bool { change != nil || isKeptUp }
    }

    struct State {
        var bases: [KnowledgeBaseID: Held] = [:]
        private var lastNumber = 0
        /// Whose upkeep is due, who waits longest first.
        var due: [KnowledgeBaseID] = []
        /// The one upkeep under way, of one knowledge base after the other.
        var upkeep: Task<Void, Never>?

        /// What is held of a knowledge base, or is from now on.
        mutating func use(_ base: KnowledgeBaseID) -> Held {
            if bases[base] == nil {
                lastNumber += 1
                bases[base] = Held(number: lastNumber)
            }
            bases[base]?.lastUse = .now
            return bases[base] ?? Held(number: lastNumber)
        }

        /// Begins anew what is held of a knowledge base, but for the change under way, and returns its number.
        mutating func renew(_ number: Int, of base: KnowledgeBaseID) -> Int {
            guard let held = bases[base], held.number == number else { return number }
            lastNumber += 1
            bases[base] = Held(number: lastNumber)
            bases[base]?.change = held.change
            return lastNumber
        }

        /// Ends the change under way.
        mutating func end(_ number: Int, of base: KnowledgeBaseID) {
            if bases[base]?.number == number { bases[base]?.change = nil }
        }
    }

    /// After a failure upkeep waits this long, and twice as long after each further one.
    private static let firstPause = Duration.seconds(1)
    private static let mostDoublings = 8

    func upkeep(of base: KnowledgeBaseID) -> Upkeep? {
        segments.map { Upkeep(base: base, store: $0, workers: upkeepWorkers, limits: limits) }
    }

    /// Seals and merges in the background where it is due: one knowledge base at a time, and one step of each in turn, so
    /// that no more than one segment is in the making.
    func keepUp(_ base: KnowledgeBaseID) {
        guard let upkeep = upkeep(of: base) else { return }
        state.withLock { state in
            guard let held = state.bases[base], !held.isKeptUp, !state.due.contains(base),
                held.retry.map({ $0 <= .now }) ?? true,
                upkeep.isDue(for: held.snapshot) || unmeasured(held.snapshot) != nil
            else { return }
            state.due.append(base)
            if state.upkeep == nil { state.upkeep = Task { await self.workOffUpkeep() } }
        }
    }

    private func workOffUpkeep() async {
        while let (base, held) = nextDue() {
            var isDone = false
            do {
                let upkeep = upkeep(of: base)
                if upkeep?.isDue(for: held.snapshot) == false, let block = unmeasured(held.snapshot) {
                    try await measure(block, of: base)
                    isDone = true
                } else if let renewal = try await upkeep?.run(held.snapshot) {
                    try await install(renewal, in: base, held.number)
                    isDone = true
                } else {
                    // The store has other segments than this index believes: whoever searches next looks anew.
                    state.withLock { if $0.bases[base]?.number == held.number { $0.bases[base] = nil } }
                }
            } catch {
                // Until it succeeds, codes stay in memory.
            }
            state.withLock { state in
                guard state.bases[base]?.number == held.number else { return }
                state.bases[base]?.isKeptUp = false
                state.bases[base]?.failures = isDone ? 0 : held.failures + 1
                state.bases[base]?.retry =
                    isDone ? nil : .now + Self.firstPause * (1 << min(held.failures, Self.mostDoublings))
            }
            keepUp(base)
        }
    }

    /// A block of which searches would look at some clusters only, if they knew at how many.
    private func unmeasured(_ snapshot: Snapshot) -> CodeBlock? {
        guard snapshot.rows >= limits.clusterRows, limits.probedRows == nil else { return nil }
        return snapshot.segments.first { $0.isClustered && $0.block.reach == nil }?.block
    }

    private func measure(_ block: CodeBlock, of base: KnowledgeBaseID) async throws {
        // Without vectors all rows are within reach: searches look at all of them, until the block is opened again.
        let vectors = (try? await fetch(Reach.chunks(of: block), base)) ?? []
        let kernels = kernels
        block.reach = try await upkeepWorkers.run(.background) { Reach(of: block, vectors, kernels: kernels) }
    }

    private func nextDue() -> (KnowledgeBaseID, Held)? {
        state.withLock { state in
            while !state.due.isEmpty {
                let base = state.due.removeFirst()
                guard let held = state.bases[base] else { continue }
                state.bases[base]?.isKeptUp = true
                return (base, held)
            }
            state.upkeep = nil
            return nil
        }
    }

    /// Waits for its turn among the changes, then swaps the segments.
    private func install(_ renewal: Renewal, in base: KnowledgeBaseID, _ number: Int) async throws {
        while true {
            let change = state.withLock { state -> (task: Task<Void, any Error>, isOwn: Bool)? in
                guard let held = state.bases[base], held.number == number else { return nil }
                if let change = held.change { return (change, false) }
                let change = Task {
                    defer { self.state.withLock { $0.end(number, of: base) } }
                    let renewed = try await self.workers.run { renewal.applied(to: held.snapshot) }
                    self.publish(renewed, of: base, number)
                }
                state.bases[base]?.change = change
                return (change, true)
            }
            guard let change else { return }
            if change.isOwn { return try await change.task.value }
            _ = try? await change.task.value
        }
    }

    /// Loads a knowledge base and waits until nothing is left to seal or merge, after failures without a pause. For tests
    /// and tools.
    package func settle(_ base: KnowledgeBaseID) async throws {
        try await load(base)
        state.withLock { $0.bases[base]?.retry = nil }
        keepUp(base)
        while let upkeep = state.withLock({ $0.upkeep }) { await upkeep.value }
    }
}

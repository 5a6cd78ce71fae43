import Synchronization

/// A list of postings in the order of rows, without what was removed.
///
/// In memory of its own: every search walks through thousands of them, and would count references to an array on the way.
/// Sendable because nothing is written to it once it is made.
final class PostingList: @unchecked Sendable {
    let postings: UnsafeBufferPointer<Posting>
    /// The highest frequency of any of them.
    let highest: Double

    init(_ postings: [Posting]) {
        let memory = UnsafeMutableBufferPointer<Posting>.allocate(capacity: postings.count)
        _ = memory.initialize(from: postings)
        self.postings = UnsafeBufferPointer(memory)
        highest = postings.reduce(0) { max($0, $1.frequency) }
    }

    deinit { postings.deallocate() }
}

/// The lists of postings that were read last. Frequent words have the long ones, and stand in many queries.
final class PostingCache: Sendable {
    /// What a knowledge base's part of the index is at one moment, as far as searches can see it.
    ///
    /// Two moments of the same version have the same documents: revisions only rise, so that none was added between them
    /// which is still there; and of documents that were only removed there would be fewer.
    struct Version: Hashable {
        var documents: Int
        var revision: Int64
    }

    private struct Entry {
        var version: Version
        var list: PostingList
        var usedAt: Int
        /// In postings, with what an entry takes besides.
        var size: Int { list.postings.count + 32 }
    }

    private struct State {
        var entries: [KeywordPhrase: Entry] = [:]
        var size = 0
        var time = 0
    }

    /// Postings that are kept, eight bytes each.
    private let capacity: Int
    private let state = Mutex(State())

    init(capacity: Int = 4_000_000) { self.capacity = capacity }

    /// The list as it was at this version, if that is the one that is kept.
    func list(of phrase: KeywordPhrase, at version: Version) -> PostingList? {
        state.withLock { state in
            guard state.entries[phrase]?.version == version else { return nil }
            state.time += 1
            state.entries[phrase]?.usedAt = state.time
            return state.entries[phrase]?.list
        }
    }

    func removeAll() { state.withLock { $0 = State() } }

    func keep(_ list: PostingList, of phrase: KeywordPhrase, at version: Version) {
        state.withLock { state in
            state.time += 1
            let entry = Entry(version: version, list: list, usedAt: state.time)
            state.size += entry.size - (state.entries.updateValue(entry, forKey: phrase)?.size ?? 0)
            guard state.size > capacity else { return }
            // Down to three quarters, so that this is not done for every list.
            for (phrase, entry) in state.entries.sorted(by: { $0.value.usedAt < $1.value.usedAt }) {
                guard state.size > capacity / 4 * 3 else { break }
                state.entries[phrase] = nil
                state.size -= entry.size
            }
        }
    }
}

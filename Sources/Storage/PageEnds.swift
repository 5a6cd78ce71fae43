import Synchronization

/// Where the first and last rows of pages stand in their lists, so that a client may delete what a page has given it
/// and go on behind it.
///
/// In memory and for the latest pages only: a cursor that is neither a row nor known here is refused, so that whoever
/// comes too late hears of it.
final class PageEnds: Sendable {
    /// What names a row in one list; the same id stands elsewhere in another.
    struct Cursor: Hashable, Sendable {
        var list: String
        var arguments: [String: String?]
        var id: String
    }

    struct Position: Sendable {
        /// In milliseconds, as rows have it.
        var createdAt: Int64
        var id: String
    }

    /// Two generations, so that forgetting the oldest half costs nothing.
    private struct State {
        var latest: [Cursor: Position] = [:]
        var earlier: [Cursor: Position] = [:]
    }

    private static let generation = 8_192
    private let state = Mutex(State())

    func note(_ position: Position, of cursor: Cursor) {
        state.withLock { state in
            if state.latest.count >= Self.generation {
                state.earlier = state.latest
                state.latest = [:]
            }
            state.latest[cursor] = position
        }
    }

    func position(of cursor: Cursor) -> Position? {
        state.withLock { $0.latest[cursor] ?? $0.earlier[cursor] }
    }
}

import GRDB
import Knowledge
import Synchronization

/// What was read since the last commit: until the next one it holds. Every request asks for a few of these things, and the
/// way to the database and back takes longer than what is asked there.
final class Remembered: TransactionObserver, Sendable {
    enum Question: Hashable {
        case revision(KnowledgeBaseID)
        case bases([KnowledgeBaseID], TenantID)
        case key(digest: String)
    }

    private static let mostAnswers = 4_096

    private struct State {
        var answers: [Question: any Sendable] = [:]
        var commits = 0
    }

    private let state = Mutex(State())

    /// The answer that is known, or else what `read` finds.
    func answer<Answer: Sendable>(
        to question: Question, _ read: () async throws -> Answer
    ) async throws -> Answer {
        let (known, commits) = state.withLock { ($0.answers[question], $0.commits) }
        // An answer may be nil, which is known too.
        if let known, let answer = known as? Answer { return answer }
        let answer = try await read()
        state.withLock { state in
            // A commit meanwhile may have come before or after what was read.
            guard state.commits == commits else { return }
            if state.answers.count >= Self.mostAnswers { state.answers.removeAll() }
            state.answers[question] = answer
        }
        return answer
    }

    // MARK: - Called by GRDB, before a write returns

    func observes(eventsOfKind eventKind: DatabaseEventKind) -> Bool { false }
    func databaseDidChange(with event: DatabaseEvent) {}
    func databaseDidRollback(_ db: Connection) {}

    func databaseDidCommit(_ db: Connection) {
        state.withLock { state in
            state.commits += 1
            state.answers.removeAll(keepingCapacity: true)
        }
    }
}

import GRDB
import Knowledge
import Synchronization

/// What was read since the last commit: until the next one it holds. Every request asks for a few of these things, and the
/// way to the database and back takes longer than what is asked there.
///
/// Nothing is known from before a commit can be seen by anybody until it is over, so that whoever has seen it elsewhere
/// sees it here.
final class Remembered: TransactionObserver, Sendable {
    enum Question: Hashable {
        case revision(KnowledgeBaseID)
        case base(KnowledgeBaseID, TenantID)
        case key(digest: String)
    }

    /// When something was looked up: what is read after that may be kept, if nothing was committed meanwhile.
    struct Moment {
        fileprivate var commits: Int
    }

    private static let mostAnswers = 4_096

    private struct State {
        var answers: [Question: any Sendable] = [:]
        var commits = 0
        var isCommitting = false

        mutating func forget() {
            commits += 1
            answers.removeAll(keepingCapacity: true)
        }
    }

    private let state = Mutex(State())

    /// What is known of some questions.
    func look<Answer: Sendable>(
        for questions: [Question], as answer: Answer.Type
    ) -> (known: [Question: Answer], moment: Moment) {
        state.withLock { state in
            var known: [Question: Answer] = [:]
            // An answer may be nil, which is known too.
            for question in questions {
                if let held = state.answers[question], let answer = held as? Answer { known[question] = answer }
            }
            return (known, Moment(commits: state.commits))
        }
    }

    func keep(_ answer: some Sendable, to question: Question, since moment: Moment) {
        state.withLock { state in
            guard state.commits == moment.commits, !state.isCommitting else { return }
            if state.answers.count >= Self.mostAnswers { state.answers.removeAll() }
            state.answers[question] = answer
        }
    }

    /// The answer that is known, or else what `read` finds.
    func answer<Answer: Sendable>(
        to question: Question, _ read: () async throws -> Answer
    ) async throws -> Answer {
        let (known, moment) = look(for: [question], as: Answer.self)
        if let answer = known[question] { return answer }
        let answer = try await read()
        keep(answer, to: question, since: moment)
        return answer
    }

    // MARK: - Called by GRDB

    func observes(eventsOfKind eventKind: DatabaseEventKind) -> Bool { false }
    func databaseDidChange(with event: DatabaseEvent) {}

    /// Before anybody sees it. A checkpoint may come between this and the end, which takes its time.
    func databaseWillCommit() {
        state.withLock { state in
            state.isCommitting = true
            state.forget()
        }
    }

    /// Before the write returns.
    func databaseDidCommit(_ db: Connection) { end() }
    func databaseDidRollback(_ db: Connection) { end() }

    private func end() {
        state.withLock { state in
            state.isCommitting = false
            state.forget()
        }
    }
}

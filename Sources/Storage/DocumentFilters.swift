import FoundationEssentials
import Knowledge
import Synchronization

/// What a filter of attributes lets through, remembered: the next search with the same filter looks only at what was
/// completed or removed since, and gets the same object where nothing was.
final class DocumentFilters: Sendable {
    struct Question: Hashable {
        var filter: AttributeFilter
        var tenant: TenantID
        var bases: [KnowledgeBaseID]
    }

    /// How far a knowledge base's documents and their attributes have changed.
    struct Stamp: Equatable {
        var revision: Int64
        var attributes: Int64
    }

    struct Answer: Sendable {
        var filter: DocumentFilter
        /// Of each knowledge base asked, in order; nil where it is gone.
        var stamps: [Stamp?]
        /// Where the documents' chunks stand in the keyword index, once that was asked for.
        var rows: KeywordRows?
    }

    /// Documents in all remembered answers together: about 50 bytes each.
    private static let mostDocuments = 400_000

    private struct State {
        var answers: [Question: Answer] = [:]
        /// The least recently used first.
        var order: [Question] = []
    }

    private let state = Mutex(State())

    func answer(to question: Question) -> Answer? {
        state.withLock { state in
            guard let answer = state.answers[question] else { return nil }
            state.order.removeAll { $0 == question }
            state.order.append(question)
            return answer
        }
    }

    func remember(_ answer: Answer, to question: Question) {
        state.withLock { state in
            state.order.removeAll { $0 == question }
            state.order.append(question)
            state.answers[question] = answer
            var count = state.answers.values.reduce(0) { $0 + $1.filter.documents.count + 1 }
            while count > Self.mostDocuments, let oldest = state.order.first, oldest != question {
                state.order.removeFirst()
                count -= (state.answers.removeValue(forKey: oldest)?.filter.documents.count ?? 0) + 1
            }
        }
    }

    /// What `find` finds of the documents of a filter, remembered with a filter that came from here.
    func rows(of filter: DocumentFilter, find: (Set<DocumentID>) throws -> KeywordRows) throws -> KeywordRows {
        let question = state.withLock { state in state.order.last { state.answers[$0]?.filter === filter } }
        if let question, let rows = state.withLock({ $0.answers[question]?.rows }) { return rows }
        let rows = try find(filter.documents)
        if let question {
            state.withLock { state in
                if state.answers[question]?.filter === filter { state.answers[question]?.rows = rows }
            }
        }
        return rows
    }
}

extension Reader {
    /// What a filter lets through, from what it let through before where that is known.
    func documents(for question: DocumentFilters.Question, knowing known: DocumentFilters.Answer?) throws
        -> DocumentFilters.Answer
    {
        let stamps = try question.bases.map { try stamp(of: $0, tenant: question.tenant) }
        if let known, known.stamps == stamps { return known }
        var documents: Set<DocumentID> = []
        // Where only documents came and went, and it is known which, it is enough to look at these.
        let isCurrent = try known.map { known in
            try zip(question.bases, zip(known.stamps, stamps)).allSatisfy { base, stamp in
                guard stamp.0?.attributes == stamp.1?.attributes else { return false }
                return try stamp.0.map { try forgottenRemovals(in: base) <= $0.revision } ?? true
            }
        } ?? false
        if let known, isCurrent { documents = known.filter.documents }
        for (place, base) in question.bases.enumerated() where stamps[place] != nil {
            let revision = isCurrent ? known?.stamps[place]?.revision ?? 0 : 0
            if revision > 0 { documents.subtract(try removals(in: base, after: revision, upTo: .max)) }
            try add(question.filter, in: base, after: revision, to: &documents)
        }
        return DocumentFilters.Answer(filter: DocumentFilter(documents), stamps: stamps)
    }

    private func stamp(of base: KnowledgeBaseID, tenant: TenantID) throws -> DocumentFilters.Stamp? {
        let row = try query(
            "SELECT revision, attribute_revision FROM knowledge_base WHERE id = ? AND tenant_id = ?", base.rawValue,
            tenant.rawValue)
        defer { row.end() }
        return try row.next() ? DocumentFilters.Stamp(revision: row.int(0), attributes: row.int(1)) : nil
    }

    private func add(
        _ filter: AttributeFilter, in base: KnowledgeBaseID, after revision: Int64, to documents: inout Set<DocumentID>
    ) throws {
        let rows = try query(
            "SELECT id, attributes FROM document WHERE knowledge_base_id = ? AND revision > ?", base.rawValue, revision)
        defer { rows.end() }
        while try rows.next() {
            guard let attributes = try? JSONValue(json: Data(rows.bytes(1))).object else {
                throw StorageError.damaged("column attributes holds other JSON")
            }
            if filter.matches(attributes) { documents.insert(DocumentID(rawValue: try rows.text(0))) }
        }
    }
}

import Foundation
import Synchronization
import TestSupport

@testable import Knowledge
@testable import Service

/// Experts and knowledge bases in memory, all of one tenant.
final class World: ExpertStore, KnowledgeBaseStore, Sendable {
    static let scope = Scope(tenant: TenantID(rawValue: "acme"), role: .user)

    private struct State {
        var experts: [ExpertID: Expert] = [:]
        var bases: [KnowledgeBaseID: KnowledgeBase] = [:]
    }

    private let state = Mutex(State())

    /// A knowledge base whose name is its id.
    @discardableResult
    func base(_ id: String, counts: DocumentCounts = DocumentCounts(completed: 1)) -> KnowledgeBaseID {
        let id = KnowledgeBaseID(rawValue: id)
        let base = KnowledgeBase(
            id: id, name: id.rawValue, embedding: WordEmbedder().model, createdAt: Date(timeIntervalSince1970: 0),
            counts: counts)
        state.withLock { $0.bases[id] = base }
        return id
    }

    @discardableResult
    func expert(_ id: String, _ change: (inout Expert.Settings) -> Void) -> ExpertID {
        var expert = Expert(id: ExpertID(rawValue: id), title: id, createdAt: Date(timeIntervalSince1970: 0))
        change(&expert.settings)
        state.withLock { [expert] in $0.experts[expert.id] = expert }
        return expert.id
    }

    func expert(_ id: ExpertID, in scope: Scope) async throws -> Expert {
        guard let expert = state.withLock({ $0.experts[id] }) else {
            throw RequestError.notFound("expert", id: id.rawValue, parameter: nil)
        }
        return expert
    }

    func knowledgeBases(_ ids: [KnowledgeBaseID], in scope: Scope) async throws -> [KnowledgeBase] {
        state.withLock { state in ids.compactMap { state.bases[$0] } }
    }

    func knowledgeBase(_ id: KnowledgeBaseID, in scope: Scope) async throws -> KnowledgeBase {
        guard let base = state.withLock({ $0.bases[id] }) else {
            throw RequestError.notFound("knowledge base", id: id.rawValue, parameter: nil)
        }
        return base
    }

    func experts(in scope: Scope) async throws -> [Expert] { state.withLock { Array($0.experts.values) } }
    func knowledgeBases(page: Page, in scope: Scope) async throws -> Listing<KnowledgeBase> {
        Listing(elements: state.withLock { Array($0.bases.values) }, hasMore: false)
    }
    func add(_ expert: Expert, in scope: Scope) async throws { state.withLock { $0.experts[expert.id] = expert } }
    func update(_ expert: Expert, in scope: Scope) async throws { try await add(expert, in: scope) }
    func remove(_ id: ExpertID, in scope: Scope) async throws { state.withLock { $0.experts[id] = nil } }
    func add(_ base: KnowledgeBase, in scope: Scope) async throws { state.withLock { $0.bases[base.id] = base } }
    func update(_ base: KnowledgeBase, in scope: Scope) async throws { try await add(base, in: scope) }
    func touch(_ id: KnowledgeBaseID, in scope: Scope) async throws {}
    func remove(_ id: KnowledgeBaseID, in scope: Scope) async throws { state.withLock { $0.bases[id] = nil } }
}

import FoundationEssentials
import Knowledge
import Testing

@testable import Storage

@Suite("Paging")
struct PagingTests {
    /// A list of a world, reduced to its cursors.
    enum List: CaseIterable {
        case files, knowledgeBases, documents, jobs

        func page(_ page: Page, _ world: World, _ base: KnowledgeBaseID) async throws -> Listing<String> {
            switch self {
            case .files:
                try await cursors(world.database.files(purpose: nil, page: page, in: world.scope)) { $0.id.rawValue }
            case .knowledgeBases:
                try await cursors(world.database.knowledgeBases(page: page, in: world.scope)) { $0.id.rawValue }
            case .documents:
                try await cursors(world.database.documents(of: base, status: nil, page: page, in: world.scope)) {
                    $0.file.rawValue
                }
            case .jobs: try await cursors(world.database.jobs(status: nil, page: page, in: world.scope)) { $0.id.rawValue }
            }
        }

        private func cursors<Element>(
            _ listing: Listing<Element>, _ cursor: (Element) -> String
        ) -> Listing<String> {
            Listing(elements: listing.elements.map(cursor), hasMore: listing.hasMore)
        }
    }

    /// Eleven of everything, several of them made in the same millisecond.
    private static func filled() async throws -> (World, KnowledgeBaseID) {
        let world = try World(tick: 0.0002)
        let base = try await world.makeBase()
        for number in 0..<11 {
            _ = try await world.attach("\(number)", to: base.id)
            if number > 0 { _ = try await world.makeBase() }
        }
        return (world, base.id)
    }

    @Test("walks a whole list once, in both orders and in both directions", arguments: List.allCases, [1, 3, 11, 200])
    func walksOnce(_ list: List, _ limit: Int) async throws {
        let (world, base) = try await Self.filled()
        let all = try await list.page(Page(limit: 100, order: .ascending), world, base).elements
        #expect(Set(all).count == 11)
        for order in [Page.Order.ascending, .descending] {
            let expected = order == .ascending ? all : all.reversed()
            var forwards: [String] = []
            var page = Page(limit: limit, order: order)
            while true {
                let listing = try await list.page(page, world, base)
                forwards += listing.elements
                guard listing.hasMore, let last = listing.elements.last else { break }
                page.after = last
            }
            #expect(forwards == expected)

            var backwards = expected.suffix(1).map(\.self)
            while true {
                let back = Page(limit: limit, order: order, before: backwards.first)
                let listing = try await list.page(back, world, base)
                backwards = listing.elements + backwards
                guard listing.hasMore else { break }
            }
            #expect(backwards == expected)
        }
    }

    @Test("keeps to what lies between two cursors", arguments: List.allCases)
    func keepsBetween(_ list: List) async throws {
        let (world, base) = try await Self.filled()
        let all = try await list.page(Page(limit: 100, order: .ascending), world, base).elements
        let page = Page(limit: 100, order: .ascending, after: all[2], before: all[7])
        #expect(try await list.page(page, world, base).elements == Array(all[3..<7]))
    }

    @Test("gives an empty list for a cursor that is not there", arguments: List.allCases)
    func unknownCursors(_ list: List) async throws {
        let (world, base) = try await Self.filled()
        for page in [Page(after: "nothing"), Page(before: "nothing")] {
            let listing = try await list.page(page, world, base)
            #expect(listing.elements.isEmpty)
            #expect(!listing.hasMore)
        }
    }

    @Test("counts only what passes the filter")
    func filters() async throws {
        let (world, base) = try await Self.filled()
        try await world.complete(World.content())
        let completed = try await world.database.documents(
            of: base, status: "completed", page: Page(limit: 1), in: world.scope)
        #expect(completed.elements.count == 1)
        #expect(!completed.hasMore)
        let waiting = try await world.database.documents(
            of: base, status: "in_progress", page: Page(limit: 10), in: world.scope)
        #expect(waiting.elements.count == 10)
        #expect(!waiting.hasMore)
        #expect(try await world.database.files(purpose: "batch", page: Page(), in: world.scope).elements.isEmpty)
    }
}

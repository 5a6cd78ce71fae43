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

    @Test("refuses a cursor that never was in the list", arguments: List.allCases)
    func unknownCursors(_ list: List) async throws {
        let (world, base) = try await Self.filled()
        let message = "names nothing that is or was in this list"
        for (name, page) in [("after", Page(after: "nothing")), ("before", Page(before: "nothing"))] {
            await #expect(throws: RequestError.invalid(parameter: name, message: message)) {
                try await list.page(page, world, base)
            }
        }
    }

    @Test("gives every row to a client that deletes each page before it asks for the next", arguments: [1, 2, 4])
    func deletesOnTheWay(_ limit: Int) async throws {
        let (world, base) = try await Self.filled()
        let database = world.database
        let lists: [(List, Page.Order)] = [
            (.documents, .ascending), (.files, .descending), (.knowledgeBases, .ascending),
        ]
        for (list, order) in lists {
            var page = Page(limit: limit, order: order)
            while true {
                let listing = try await list.page(page, world, base)
                for id in listing.elements {
                    switch list {
                    case .documents: try await database.remove(FileID(rawValue: id), from: base, in: world.scope)
                    case .files: try await database.remove(FileID(rawValue: id), in: world.scope)
                    default: try await database.remove(KnowledgeBaseID(rawValue: id), in: world.scope)
                    }
                }
                guard listing.hasMore, let last = listing.elements.last else { break }
                page.after = last
            }
            if list == .documents { continue }
            #expect(try await list.page(Page(), world, base).elements.isEmpty)
        }
    }

    @Test("remembers at least some thousand ends of pages, and no more than twice that")
    func forgetsTheOldest() {
        let ends = PageEnds()
        func cursor(_ number: Int) -> PageEnds.Cursor { .init(list: "list", arguments: [:], id: "\(number)") }
        for number in 0..<50_000 { ends.note(.init(createdAt: 1, id: "\(number)"), of: cursor(number)) }
        #expect((45_000..<50_000).allSatisfy { ends.position(of: cursor($0))?.id == "\($0)" })
        #expect((0..<33_000).allSatisfy { ends.position(of: cursor($0)) == nil })
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

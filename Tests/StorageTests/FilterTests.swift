import Knowledge
import Testing

@testable import Storage

@Suite("A filter of attributes")
struct FilterTests {
    /// Documents with their attributes, as the test knows them.
    private struct Shelf {
        var base: KnowledgeBaseID
        var attributes: [DocumentID: [String: JSONValue]] = [:]
        var files: [DocumentID: FileID] = [:]

        func matching(_ filter: AttributeFilter) -> Set<DocumentID> {
            Set(attributes.filter { filter.matches($0.value) }.keys)
        }
    }

    @Test("lets through what satisfies it at this moment, after any history of documents and attributes", arguments: 0..<4)
    func followsEveryHistory(_ seed: UInt64) async throws {
        var random = SplitMix64(state: seed)
        let world = try World()
        var shelves = [Shelf(base: try await world.makeBase().id), Shelf(base: try await world.makeBase().id)]
        let filters: [AttributeFilter] = [
            .compare("n", .less, 5), .compare("n", .noneOf, [1, 2, "x"]),
            .any([.compare("n", .equal, 3), .all([.compare("s", .greater, "b"), .compare("n", .notEqual, 4)])]),
        ]
        for step in 0..<60 {
            let place = Int.random(in: 0..<2, using: &random)
            let attributes: [String: JSONValue] = [
                "n": .integer(Int.random(in: 0..<9, using: &random)), "s": .string(["a", "b", "c"].randomElement(using: &random)!),
            ]
            switch Int.random(in: 0..<4, using: &random) {
            case 0, 1:
                let file = try await world.upload("\(step)")
                let document = try await world.database.attach(
                    Attachment(file: file.id, attributes: attributes), to: shelves[place].base, in: world.scope)
                try await world.complete(World.content())
                shelves[place].attributes[document.id] = attributes
                shelves[place].files[document.id] = file.id
            case 2:
                guard let (document, file) = shelves[place].files.min(by: { $0.value.rawValue < $1.value.rawValue }) else { continue }
                _ = try await world.database.setAttributes(
                    attributes, of: file, in: shelves[place].base, scope: world.scope)
                shelves[place].attributes[document] = attributes
            default:
                guard let (document, file) = shelves[place].files.min(by: { $0.value.rawValue < $1.value.rawValue }) else { continue }
                try await world.database.remove(file, from: shelves[place].base, in: world.scope)
                shelves[place].attributes[document] = nil
                shelves[place].files[document] = nil
            }
            for filter in filters where Bool.random(using: &random) {
                let one = try await world.database.documents(
                    matching: filter, of: [shelves[place].base], in: world.scope)
                #expect(one.documents == shelves[place].matching(filter))
                let both = try await world.database.documents(
                    matching: filter, of: shelves.map(\.base), in: world.scope)
                #expect(both.documents == shelves[0].matching(filter).union(shelves[1].matching(filter)))
                let again = try await world.database.documents(
                    matching: filter, of: shelves.map(\.base), in: world.scope)
                #expect(again === both)
            }
        }
        let strangers = try await world.database.documents(
            matching: filters[0], of: shelves.map(\.base), in: world.stranger)
        #expect(strangers.documents.isEmpty)
    }

    @Test("leaves a keyword search just the chunks that it lets through")
    func narrowsKeywordSearch() async throws {
        let keywords = try KeywordWorld()
        let (world, database) = (keywords.world, keywords.database)
        let base = try await world.makeBase().id
        var expected: [Int: Set<ChunkID>] = [:]
        for number in 0..<30 {
            let file = try await world.upload("\(number)")
            _ = try await database.attach(
                Attachment(file: file.id, attributes: ["part": .integer(number % 3)]), to: base, in: world.scope)
            try await world.complete(KeywordWorld.content(["pear \(number)", "apple", "pear"]))
            let own = try await database.search("pear", in: [base], documents: nil, limit: 1000).hits
            expected[number % 3, default: []].formUnion(
                own.map(\.chunk).filter { !expected.values.joined().contains($0) })
        }
        for part in 0..<3 {
            let filter = try await database.documents(
                matching: .compare("part", .equal, .integer(part)), of: [base], in: world.scope)
            for _ in 0..<2 {
                let hits = try await database.search("pear", in: [base], documents: filter, limit: 1000).hits
                #expect(Set(hits.map(\.chunk)) == expected[part])
            }
            let fewest = try await database.search("pear", in: [base], documents: filter, limit: 3).hits
            #expect(fewest.count == 3)
        }
    }
}

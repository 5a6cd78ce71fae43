import GRDB
import Knowledge
import Testing

@testable import Storage

@Suite("The keyword index")
struct KeywordIndexTests {
    @Test("is the same after thousands of changes as made anew", arguments: 0..<2 as Range<UInt64>)
    func equalsRebuild(seed: UInt64) async throws {
        var random = SplitMix(state: seed)
        let world = try KeywordWorld()
        let bases = [try await world.base(with: []), try await world.base(with: [])]
        var documents: [(base: KnowledgeBaseID, file: FileID)] = []
        for number in 0..<120 {
            if documents.count > 3, Int.random(in: 0..<3, using: &random) == 0 {
                let gone = documents.remove(at: Int.random(in: documents.indices, using: &random))
                try await world.database.remove(gone.file, from: gone.base, in: world.world.scope)
                continue
            }
            let base = bases[Int.random(in: 0..<2, using: &random)]
            let chunks = (0..<Int.random(in: 1...25, using: &random)).map { _ in Self.text(&random) }
            let document = try await world.add(chunks, context: Self.text(&random), named: "\(number)", to: base)
            documents.append((base, document.file))
        }
        let before = try await world.contents()
        let queries = (0..<20).map { _ in Self.text(&random) }
        let answers = try await world.answers(queries, in: bases)
        #expect(try await world.database.keywordProblems() == [])
        try await world.database.rebuildKeywords()
        #expect(try await world.contents() == before)
        #expect(try await world.answers(queries, in: bases) == answers)

        try await world.database.remove(bases[0], in: world.world.scope)
        for document in documents where document.base == bases[1] {
            try await world.database.remove(document.file, from: document.base, in: world.world.scope)
        }
        await world.database.collector.finish()
        #expect(try await world.contents() == [])
        #expect(try await world.database.keywordProblems() == [])
    }

    @Test("notices what it lacks and what is left in it, and is whole again when made anew")
    func findsProblems() async throws {
        let world = try KeywordWorld()
        let base = try await world.base(with: [["eins", "zwei"], ["drei"]])
        try await world.database.write { db in
            try db.execute(sql: "DELETE FROM chunk WHERE text = 'drei'")
            try db.execute(
                sql: """
                    INSERT INTO chunk (
                        document_id, position, byte_start, byte_end, character_start, character_end, text, context,
                        heading_path, token_count
                    )
                    SELECT document_id, 9, 0, 1, 0, 1, 'neu', '', '[]', 1 FROM edition WHERE first_chunk = 3
                    """)
            try db.execute(sql: "UPDATE edition SET first_chunk = 4, last_chunk = 4 WHERE first_chunk = 3")
        }
        #expect(try await world.database.keywordProblems().count == 2)
        try await world.database.rebuildKeywords()
        #expect(try await world.database.keywordProblems() == [])
        #expect(try await world.search("neu", in: base).count == 1)
        #expect(try await world.search("drei", in: base).isEmpty)
    }

    @Test("is made when a database from before it is opened")
    func indexesOldDatabases() async throws {
        let world = try KeywordWorld()
        let base = try await world.base(with: [["Fristen und Termine"], ["etwas anderes"]])
        try await world.database.write { db in
            try db.execute(sql: "INSERT INTO keyword (keyword) VALUES ('delete-all')")
            try db.execute(sql: "UPDATE edition SET words = 0")
            try db.execute(sql: "DELETE FROM keyword_base")
            try db.execute(sql: "UPDATE keyword_analysis SET version = 0")
        }
        #expect(try await world.search("Frist", in: base).isEmpty)
        let again = KeywordWorld(try await world.world.reopened())
        #expect(try await again.search("Frist", in: base).count == 1)
        #expect(try await again.database.keywordProblems() == [])
    }

    @Test("keeps knowledge bases apart: neither hits nor the rarity of words come from another")
    func isolates() async throws {
        let world = try KeywordWorld()
        let texts = [["der geheime Plan", "ein Plan"], ["kein Wort davon"]]
        let alone = try await world.base(with: texts)
        let before = try await world.search("geheime Plan Wort", in: alone)
        let theirs = Array(repeating: ["geheime Sache", "Plan"], count: 20)
        let other = try await world.base(with: theirs, in: world.world.stranger)
        #expect(try await world.search("geheime Plan Wort", in: alone) == before)
        let hits = try await world.database.search("geheime Plan", in: [other], documents: nil, limit: 100).hits
        #expect(hits.count == 40 && hits.allSatisfy { $0.knowledgeBase == other })
        let hidden = try await world.database.search("geheime Plan", in: [alone], documents: nil, limit: 100)
            .scores(hits.map(\.chunk))
        #expect(hidden.isEmpty)
    }

    /// A few words of a small vocabulary, some of them compounds, other scripts and identifiers.
    private static func text(_ random: inout SplitMix) -> String {
        let words = [
            "Frist", "Kündigungsfrist", "die", "Häuser", "v1.2", "東京都", "the", "report", "reports", "C++",
            "größer", "user_name", "§ 12", "und", "Datenschutzgrundverordnung", "running",
            "กรุงเทพ", "\u{0}", "😀", "e-mail", "\"",
        ]
        return (0..<Int.random(in: 1...30, using: &random)).map { _ in words.randomElement(using: &random)! }
            .joined(separator: " ")
    }
}

/// Vigna's SplitMix64.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

extension KeywordWorld {
    /// All that is in the index: words with their counts, documents, sums.
    fileprivate func contents() async throws -> [String] {
        try await database.read { db in
            try ["keyword_vocabulary", "keyword_ending_vocabulary", "edition"].flatMap { table in
                try Row.fetchAll(db, sql: "SELECT * FROM \(table) ORDER BY 1").map(\.description)
            } + Row.fetchAll(db, sql: "SELECT * FROM keyword_base WHERE chunks > 0").map(\.description)
        }
    }

    fileprivate func answers(_ queries: [String], in bases: [KnowledgeBaseID]) async throws -> [[KeywordHit]] {
        var answers: [[KeywordHit]] = []
        for query in queries {
            answers.append(try await database.search(SearchQuery(query), in: bases, documents: nil, limit: 50).hits)
        }
        return answers
    }
}

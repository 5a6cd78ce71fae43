import Foundation
import Knowledge
import TestSupport
import Testing

@testable import Storage

@Suite("Keyword search")
struct KeywordSearchTests {
    /// A query, a text, and whether the one finds the other.
    struct Pair: CustomTestStringConvertible, Sendable {
        var query: String
        var text: String
        var isFound: Bool
        var testDescription: String { "\(query) \(isFound ? "in" : "not in") \(text)" }

        init(_ query: String, _ text: String, _ isFound: Bool = true) {
            (self.query, self.text, self.isFound) = (query, text, isFound)
        }
    }

    static let pairs: [Pair] = [
        // German spelling
        Pair("größe", "Die Größe der Straße"), Pair("groesse", "Die Größe der Straße"),
        Pair("grosse", "Die Größe der Straße"), Pair("GRÖSSE", "die größe"), Pair("Größe", "Groesse XL"),
        Pair("strasse", "Die Größe der Straße"), Pair("Straße", "Hauptstrasse und Strasse"),
        Pair("muenchen", "in München"), Pair("München", "in Muenchen"), Pair("munchen", "in München"),
        Pair("Mueller", "Herr Müller"), Pair("Müller", "Herr Mueller"), Pair("Mu\u{308}ller", "Herr Müller"),
        Pair("neue", "die neuen Steuern"), Pair("Steuer", "die neuen Steuern"), Pair("STRASSE", "Straße"),
        // Endings
        Pair("Kündigungen", "die Kündigung"), Pair("Häuser", "ein Haus am See"), Pair("Haus", "viele Häuser"),
        Pair("Verträge", "der Vertrag"), Pair("running", "he runs"), Pair("connections", "a connection"),
        Pair("policies", "the policy"), Pair("company's", "the companies"), Pair("Kinder", "des Kindes"),
        // Accents, width, ligatures
        Pair("cafe", "ein Café"), Pair("café", "ein cafe"), Pair("Ångström", "angstrom"), Pair("ﬁle", "a file"),
        Pair("ＡＢＣ", "abc"), Pair("m2", "80 m²"), Pair("naïve", "naive"), Pair("soft\u{AD}hyphen", "softhyphen"),
        Pair("ΑΘΗΝΑ", "Αθήνα"), Pair("москва", "МОСКВА"), Pair("Œuvre", "oeuvre"), Pair("Łódź", "lodz"),
        // Identifiers
        Pair("v1.2.3", "Fixed in v1.2.3."), Pair("§ 433", "nach §433 BGB"), Pair("§433", "nach § 433 BGB"),
        Pair("433", "nach § 433 BGB"), Pair("ISO-9001", "certified by ISO9001"), Pair("iso9001", "ISO-9001"),
        Pair("ISO 9001", "ISO-9001"), Pair("c++", "in C++ and Rust"), Pair("C#", "written in C#."),
        Pair("foo_bar", "call foo_bar()"), Pair("bar", "call foo_bar()"), Pair("user@host.org", "to user@host.org."),
        Pair("host", "to user@host.org"), Pair("e-mail", "your email"), Pair("AT&T", "AT&T was split"),
        Pair("2019-2020", "im Winter 2019-2020"), Pair("ERR_42", "error ERR_42: broken"),
        // Scripts without spaces
        Pair("東京", "私は東京に住んでいます"), Pair("東京都", "東京の都"), Pair("京都", "東京都"),
        Pair("大阪", "東京都", false),
        Pair("データ", "データベース"), Pair("학교", "학교에서"), Pair("กรุงเทพ", "เมืองกรุงเทพมหานคร"),
        Pair("gen", "重跑gen-itgc"), Pair("猫", "猫"), Pair("猫", "黒猫"),
        // Compounds
        Pair("Frist", "Die Kündigungsfrist ist um, und die Kündigungsfrist war kurz für den Mieter"),
        Pair("Kündigungsfrist", "Die Frist der Kündigung nach dem Mietvertragsrecht"),
        Pair("Frist", "Das Frischwasser ist da", false),
        // What must not be found
        Pair("Hund", "die Katze", false), Pair("", "text", false), Pair("?!", "what?!", false),
        Pair("the", "a cat", false),
    ]

    @Test("finds words however they are written", arguments: pairs)
    func finds(pair: Pair) async throws {
        let world = try KeywordWorld()
        let base = try await world.base(with: [["\(pair.text) anderes Wort", "gar nichts davon"]])
        let hits = try await world.search(pair.query, in: base)
        #expect(hits.map(\.position).contains(0) == pair.isFound)
    }

    @Test("ranks more of the query's words, rarer ones and the exact word first")
    func ranks() async throws {
        let world = try KeywordWorld()
        let base = try await world.base(with: [
            ["Die Frist der Kündigung beträgt drei Monate."], ["Die Kündigungsfrist für Mieter beträgt drei Monate."],
            ["Die Frist beträgt drei Monate."], ["Der Vertrag läuft drei Monate."], ["Ein Monat hat Tage."],
        ])
        let compound = try await world.search("Kündigungsfrist", in: base)
        #expect(compound.count == 3)
        #expect(try await world.search("Frist", in: base).count == 3)
        let order = try await world.database.search("Kündigungsfrist", in: [base], documents: nil, limit: 1).hits
        #expect(order.first?.chunk == ChunkID(2))
        let all = try await world.search("Frist Kündigung drei Monate", in: base)
        #expect(all.dropFirst().allSatisfy { $0.coverage < all[0].coverage })
        // One common word is found whole in many chunks, which says little.
        #expect(try await world.search("Monate", in: base).allSatisfy { $0.coverage < all[0].coverage })
        #expect(zip(all, all.dropFirst()).allSatisfy { $0.score >= $1.score })
        #expect(all.allSatisfy { (0...1).contains($0.coverage) && $0.score > 0 })
        #expect(try await world.search("Frist Einhorn", in: base).allSatisfy { $0.coverage < 0.5 })
    }

    @Test("breaks ties by chunk, keeps to the limit and to the documents asked for, and scores chunks as it finds them")
    func keepsToLimits() async throws {
        let world = try KeywordWorld()
        let base = try await world.base(with: [["gleicher Text"], ["gleicher Text"]])
        let last = try await world.add(["gleicher Text"], named: "a", to: base)
        let database = world.database
        let found = try await database.search("Text", in: [base, base], documents: nil, limit: 10)
        let hits = found.hits
        #expect(hits.map(\.chunk.rawValue) == [1, 2, 3])
        for limit in 0...3 {
            let some = try await database.search("Text", in: [base], documents: nil, limit: limit).hits
            #expect(some == Array(hits.prefix(limit)))
        }
        let own = try await database.search("Text", in: [base], documents: DocumentFilter([last.id]), limit: 10).hits
        #expect(own == hits.filter { $0.document == last.id })
        #expect(try await database.search("Text", in: [base], documents: DocumentFilter([]), limit: 10).hits.isEmpty)
        let scores = try await found.scores(hits.map(\.chunk))
        #expect(Set(scores) == Set(hits))
    }

    @Test("keeps a posting in eight bytes, the last possible chunk's included, and counts only so far")
    func postings() throws {
        let row = try KeywordRow.range(ofChunksFrom: 0, to: KeywordRow.mostChunks - 1).upperBound - 1
        for (context, body) in [(0, 1), (7, 511), (2, 0), (300, 70_000)] as [(UInt64, UInt64)] {
            let posting = Posting(row: row, context: context, body: body)
            #expect(posting.row == row)
            #expect(posting.frequency == KeywordSearch.contextWeight * Double(min(context, 7)) + Double(min(body, 511)))
        }
        #expect(throws: StorageError.self) {
            try KeywordRow.range(ofChunksFrom: KeywordRow.mostChunks, to: KeywordRow.mostChunks)
        }
    }

    @Test("leaves out no chunk that is among the best, whatever it does not look at")
    func finalists() async throws {
        let world = try KeywordWorld()
        var random = SplitMix(state: 5)
        // Few words in most chunks, many in few, as in language.
        func word() -> String { "w\(Int(60 * pow(Double.random(in: 0..<1, using: &random), 3)))" }
        func text() -> String { (0..<Int.random(in: 1...30, using: &random)).map { _ in word() }.joined(separator: " ") }
        let base = try await world.base(with: (0..<4).map { _ in (0..<250).map { _ in text() } })
        for number in 0..<60 {
            let query = SearchQuery((0..<Int.random(in: 1...8, using: &random)).map { _ in word() }.joined(separator: " "))
            let ranges = (0..<Int.random(in: 1...4, using: &random)).map { _ in
                let first = Int64.random(in: 1...1_000, using: &random)
                return first << 12..<(first + Int64.random(in: 1...200, using: &random)) << 12
            }
            let rows = number % 2 == 0 ? nil : KeywordRows(ranges)
            try await world.database.reading { reader in
                let search = try KeywordSearch(query, in: [base], reader)
                let all = search.finalists(10_000, of: search.bases[0], among: nil).filter { candidate in
                    rows?.ranges.contains { $0.contains(candidate.row.id) } ?? true
                }
                for limit in [0, 1, 10, 50] {
                    let best = search.finalists(limit, of: search.bases[0], among: rows)
                    #expect(best.map(\.row) == all.prefix(limit).map(\.row))
                    #expect(best.map(\.score) == all.prefix(limit).map(\.score))
                    #expect(best.map(\.coverage) == all.prefix(limit).map(\.coverage))
                }
            }
        }
    }

    @Test("remembers postings for as long as they are true, and no more of them than there is room for")
    func remembers() async throws {
        let world = try KeywordWorld()
        let database = world.database
        var random = SplitMix(state: 6)
        let base = try await world.base(with: [["w0 w1"], ["w1 w2"]])
        var documents: [Document] = []
        let small = PostingCache(capacity: 60)
        for step in 0..<60 {
            switch Int.random(in: 0..<3, using: &random) {
            case 0 where !documents.isEmpty:
                let gone = documents.remove(at: Int.random(in: documents.indices, using: &random))
                try await database.remove(gone.file, from: base, in: world.world.scope)
            case 1:
                let chunks = (0..<Int.random(in: 1...3, using: &random)).map { _ in
                    "w\(Int.random(in: 0..<4, using: &random)) w\(Int.random(in: 0..<4, using: &random))"
                }
                documents.append(try await world.add(chunks, named: "\(step)", to: base))
            default: break
            }
            let query = SearchQuery("w\(Int.random(in: 0..<4, using: &random)) w\(Int.random(in: 0..<4, using: &random))")
            let remembered = try await database.search(query, in: [base], documents: nil, limit: 100).hits
            try await database.reading { reader in
                let read = try KeywordSearch(query, in: [base], reader).hits(100, of: nil, reader)
                #expect(remembered == read)
                #expect(try KeywordSearch(query, in: [base], cache: small, reader).hits(100, of: nil, reader) == read)
            }
        }
    }

    @Test("takes any text as a query")
    func anyTextIsAQuery() async throws {
        let world = try KeywordWorld()
        let base = try await world.base(with: [["ein Text AND NOT NEAR(x) * ^ {body}: \" OR"], ["C++ § 12 東京"]])
        let known = [
            "\"", "AND", "OR NOT", "NEAR(a b)", "body:text", "*", "^text", "{context body}", "text*", "'", ";--",
            "\u{0}",
            "\"text", "\"ein Text\"", String(repeating: "wort ", count: 5000), String(repeating: "x", count: 100_000),
            (0..<400).map { "w\($0)" }.joined(separator: " "), "- + ( )", "§", "§§ 1", "c++++", "a@b@c", "....1....",
        ]
        for query in known { _ = try await world.search(query, in: base) }
        // All in one read: the way to a reader and back would take most of the time.
        try await world.database.reading { reader in
            var random = SplitMix(state: 1)
            for _ in 0..<2_000 {
                let query = Self.randomText(&random, upTo: Bool.random(using: &random) ? 0x7F : 0x2_FFFF)
                _ = try KeywordSearch(SearchQuery(query), in: [base], reader).hits(5, of: nil, reader)
            }
        }
    }

    @Test("makes of 100,000 texts only keys that are none of FTS5's syntax")
    func keysAreNoSyntax() {
        var random = SplitMix(state: 2)
        let stemmer = Stemmer()
        var keys: Set<[UInt8]> = []
        for _ in 0..<100_000 {
            for term in KeywordQuery(Self.randomText(&random, upTo: 0xFFFF), stemmer: stemmer).terms {
                keys.formUnion(term.keys)
            }
        }
        #expect(keys.count > 1000)
        #expect(!keys.joined().contains { $0 <= 0x22 || [0x27, 0x28, 0x29, 0x2A, 0x5E].contains($0) })
    }

    private static func randomText(_ random: inout SplitMix, upTo last: UInt32) -> String {
        var text = String.UnicodeScalarView()
        for _ in 0..<8 { text.append(Unicode.Scalar(UInt32.random(in: 0...last, using: &random)) ?? "\"") }
        return String(text)
    }
}

import Testing

@testable import Knowledge
@testable import Service

@Suite("The last turn of a conversation")
struct ConversationTests {
    private func query(_ turns: [(Question.Role, String)]) -> SearchQuery? {
        StandaloneQuestion(
            turns.map { Question.Turn(role: $0, text: $1, message: ["role": .string($0.rawValue), "content": .string($1)]) }
        )?.query
    }

    @Test(
        "takes along what was asked before: certainly where it points back, for trial where it says little",
        arguments: [
            ("And how long does it take?", 0.4, true), ("Und was kostet das?", 0.4, true), ("The price?", 0.4, false),
            ("Which documents does the Berlin office keep for ten years?", 0.2, false),
        ])
    func background(_ last: String, _ weight: Double, _ isCertain: Bool) throws {
        let found = try #require(
            query([
                (.system, "Be brief."), (.user, "How do I renew a passport?"), (.assistant, "At the office."),
                (.user, "Which papers are needed?"), (.assistant, "Two."), (.user, last),
            ]))
        #expect(found.text == last)
        #expect(found.background.map(\.text) == ["Which papers are needed?", "How do I renew a passport?", "Two."])
        #expect(found.background.map(\.kind) == [.question, .question, .answer])
        #expect(found.background.prefix(2).map(\.meaning) == [weight, weight / 2])
        #expect(found.background.prefix(2).map(\.words) == [weight, weight / 2])
        #expect(found.background[2].words < found.background[0].words)
        #expect(found.background.allSatisfy { $0.isCertain == isCertain })
        #expect(found.inFull.hasSuffix(last) && found.inFull.hasPrefix("How do I") == isCertain)
        #expect(!found.inFull.contains("Two."))
    }

    @Test("stands alone where it is the first, and asks nothing where it is blank")
    func alone() {
        #expect(query([(.user, "How do I renew a passport?")])?.background == [])
        #expect(query([(.user, "Hello?"), (.assistant, "Yes?"), (.user, "  \n")]) == nil)
        #expect(query([(.system, "Be brief.")]) == nil)
    }
}

@Suite("The score of a hybrid search")
struct ConfidenceTests {
    private func candidate(_ number: Int64, _ similarity: Double, _ coverage: Double) -> Candidate {
        var candidate = Candidate(
            place: ChunkPlace(knowledgeBase: .random(), document: .random(), chunk: ChunkID(number)))
        (candidate.evidence.similarity, candidate.evidence.coverage) = (similarity, coverage)
        return candidate
    }

    @Test("lies between 0 and 1 and keeps the order of what was fused")
    func keepsOrder() async {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<500 {
            let candidates = (0..<Int64.random(in: 1...30, using: &generator)).map {
                candidate($0, Double.random(in: -1...1), Double.random(in: 0...1))
            }
            let fused = candidates.map { _ in Double.random(in: 0...2) }.sorted(by: >)
            let confidence = Confidence(trust: 0.5, knowsDocuments: false, unrelatedSimilarity: nil, chunks: 1_000)
            let sentence: Double? = Bool.random(using: &generator) ? Double.random(in: -1...1, using: &generator) : nil
            let likelihood = await confidence.likelihood(of: candidates) { _ in sentence }
            let scored = Confidence.scored(candidates, fused: fused, likelihood: likelihood)
            #expect(scored.allSatisfy { (0...1).contains($0.score) })
            #expect(zip(scored, scored.dropFirst()).allSatisfy { $0.score >= $1.score })
        }
    }

    @Test("rises with meaning and with the share of the words that are there, and falls where nearness means little")
    func rises() async {
        for sentence in [nil, 0.4] as [Double?] {
            func top(
                _ similarity: Double, _ coverage: Double, unrelated: Double = 0.3, chunks: Int = 1_000
            ) async -> Double {
                await Confidence(trust: 1, knowsDocuments: true, unrelatedSimilarity: unrelated, chunks: chunks)
                    .likelihood(of: [candidate(1, similarity, coverage)]) { _ in sentence }
            }
            let (poor, good) = (await top(0.2, 0.1), await top(0.6, 0.6))
            #expect(poor < 0.1 && good > 0.9)
            let (base, nearer, fuller) = (await top(0.4, 0.2), await top(0.5, 0.2), await top(0.4, 0.4))
            #expect(base < nearer && base < fuller)
            let (usual, unusual) = (await top(0.4, 0.4, unrelated: 0.6), await top(0.4, 0.4, unrelated: 0.2))
            #expect(usual < unusual)
            let (few, many) = (await top(0.4, 0.4, chunks: 0), await top(0.4, 0.4, chunks: 100_000))
            #expect(few > many)
        }
    }

    @Test("reads sentences only where passages leave doubt, and believes them then")
    func doubt() async {
        let confidence = Confidence(trust: 1, knowsDocuments: true, unrelatedSimilarity: 0.3, chunks: 1_000)
        func likelihood(_ similarity: Double, sentence: Double) async -> (value: Double, isRead: Bool) {
            var isRead = false
            let value = await confidence.likelihood(of: [candidate(1, similarity, 0.3)]) { _ in
                isRead = true
                return sentence
            }
            return (value, isRead)
        }
        for certain in [0.1, 0.9] {
            let isRead = await likelihood(certain, sentence: 0.5).isRead
            #expect(!isRead)
        }
        let (far, near) = (await likelihood(0.5, sentence: 0.3), await likelihood(0.5, sentence: 0.7))
        #expect(far.isRead && near.isRead)
        #expect(far.value < 0.5 && near.value > 0.5)
    }

    @Test("is nothing where nothing was found")
    func nothing() async {
        let confidence = Confidence(trust: 1, knowsDocuments: true, unrelatedSimilarity: nil, chunks: 1_000)
        let likelihood = await confidence.likelihood(of: []) { _ in 1 }
        #expect(likelihood == 0)
    }
}

import ArgumentParser
import Foundation
import Knowledge

struct Search: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Search a knowledge base.")

    @OptionGroup var session: Session

    @Argument(help: "What to look for.")
    var query: String

    @Option(name: .customLong("kb"), help: "The knowledge base, by name or id.")
    var base: String

    @Option(name: [.customShort("k"), .long], help: "How many passages, 1 to 50.")
    var limit = 5

    @Flag(help: "Print the result as JSON.")
    var json = false

    func validate() throws {
        guard (1...50).contains(limit) else { throw ValidationError("--limit must be between 1 and 50.") }
    }

    func run() async throws {
        try await session.run { client in
            let id = try await client.knowledgeBase(named: base)
            let page = try await client.post(
                "/v1/vector_stores/\(id)/search", ["query": .string(query), "max_num_results": .integer(limit)])
            if json { return try Terminal.print(json: page) }
            for hit in page["data"]?.array ?? [] {
                let headings = hit["heading_path"]?.array?.compactMap(\.string) ?? []
                let place = [hit["filename"]?.string ?? ""] + headings
                let score = (hit["score"]?.double ?? 0).formatted(.number.precision(.fractionLength(3)))
                Terminal.print("\(score)  \(place.joined(separator: " › "))")
                Terminal.print(hit["content"]?.array?.first?["text"]?.string ?? "")
                Terminal.print("")
            }
        }
    }
}

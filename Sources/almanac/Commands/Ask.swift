import ArgumentParser
import Foundation
import Knowledge

struct Ask: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Ask a question and get a cited answer.")

    @OptionGroup var session: Session

    @Argument(help: "The question.")
    var question: String

    @Option(name: .customLong("kb"), help: "A knowledge base, by name or id; may be given several times.")
    var bases: [String] = []

    @Option(help: "The expert, by title or id.")
    var expert: String?

    @Option(help: "The model that answers (default: the expert's, else the server's).")
    var model: String?

    @Flag(help: "Print the whole answer as JSON.")
    var json = false

    func run() async throws {
        try await session.run { client in
            var alan: [String: JSONValue] = [:]
            if !bases.isEmpty {
                var ids: [JSONValue] = []
                for base in bases { ids.append(.string(try await client.knowledgeBase(named: base))) }
                alan["knowledgebase_ids"] = .array(ids)
            }
            if let expert { alan["expert_id"] = .string(try await client.expert(named: expert)) }
            var body: [String: JSONValue] = [
                "messages": [["role": "user", "content": .string(question)]], "alan": .object(alan),
            ]
            body["model"] = model.map(JSONValue.string)
            let answer = try await client.post("/v1/chat/completions", .object(body))
            if json { return try Terminal.print(json: answer) }
            present(answer)
        }
    }

    /// The answer, then the references that it cites.
    private func present(_ answer: JSONValue) {
        let message = answer["choices"]?.array?.first?["message"]
        Terminal.print(message?["content"]?.string ?? "")
        let cited = Set((message?["annotations"]?.array ?? []).compactMap { $0["reference"]?.integer })
        for reference in answer["alan"]?["references"]?.array ?? [] {
            guard let index = reference["index"]?.integer, cited.contains(index) else { continue }
            let headings = reference["heading_path"]?.array?.compactMap(\.string) ?? []
            let place = ([reference["filename"]?.string ?? ""] + headings).joined(separator: " › ")
            Terminal.print("[\(index)] \(place)")
        }
    }
}

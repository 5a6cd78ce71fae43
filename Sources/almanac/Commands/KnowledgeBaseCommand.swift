import ArgumentParser
import Foundation
import Knowledge
import OpenAIWire

struct KnowledgeBaseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kb", abstract: "Make, list, re-index and remove knowledge bases.",
        subcommands: [List.self, Create.self, Show.self, Reindex.self, Rollback.self, Remove.self])

    struct List: AsyncParsableCommand {
        @OptionGroup var session: Session
        @Flag(help: "Print the result as JSON.") var json = false

        func run() async throws {
            try await session.run { client in
                let bases = try await client.list("/v1/vector_stores")
                if json { return try Terminal.print(json: .array(bases)) }
                Terminal.table(
                    ["ID", "NAME", "STATUS", "DOCUMENTS"],
                    bases.map { base in
                        [
                            base["id"]?.string ?? "", base["name"]?.string ?? "", base["status"]?.string ?? "",
                            "\(base["file_counts"]?["completed"]?.integer ?? 0)",
                        ]
                    })
            }
        }
    }

    struct Create: AsyncParsableCommand {
        @OptionGroup var session: Session
        @Argument(help: "Its name.") var name: String
        @Option(help: "What it holds.") var description = ""

        func run() async throws {
            try await session.run { client in
                let base = try await client.post(
                    "/v1/vector_stores", ["name": .string(name), "description": .string(description)])
                Terminal.print(base["id"]?.string ?? "")
            }
        }
    }

    struct Show: AsyncParsableCommand {
        @OptionGroup var session: Session
        @Argument(help: "The knowledge base, by name or id.") var base: String

        func run() async throws {
            try await session.run { client in
                let id = try await client.knowledgeBase(named: base)
                guard case .object(var shown) = try await client.get("/v1/vector_stores/\(id)") else { return }
                shown["documents"] = .array(try await client.list("/v1/vector_stores/\(id)/files"))
                try Terminal.print(json: .object(shown))
            }
        }
    }

    struct Reindex: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Index a knowledge base by another model or chunking; what it has answers until that is done.")
        @OptionGroup var session: Session
        @Argument(help: "The knowledge base, by name or id.") var base: String
        @Option(help: "The embedding model; the present one, as it is installed now, where none is named.")
        var model: String?
        @Option(help: "How documents are cut: structured, or fixed:TOKENS:OVERLAP.") var chunking: ChunkingChoice?
        @OptionGroup var ending: Ending

        func run() async throws {
            try await session.run { client in
                let path = "/v1/vector_stores/" + (try await client.knowledgeBase(named: base))
                let present = try await client.get(path)
                var body: [String: JSONValue] = [:]
                body["embedding_model"] = model.map(JSONValue.string) ?? present["embedding_model"]
                if let chunking { body["chunking_strategy"] = wire(chunking.chunking) }
                try await ending.follow(try await client.post(path, .object(body)), client)
            }
        }
    }

    struct Rollback: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Go back to what a knowledge base had before it was last re-indexed.")
        @OptionGroup var session: Session
        @Argument(help: "The knowledge base, by name or id.") var base: String
        @OptionGroup var ending: Ending

        func run() async throws {
            try await session.run { client in
                let id = try await client.knowledgeBase(named: base)
                try await ending.follow(try await client.post("/api/v1/knowledgebases/\(id)/rollback", [:]), client)
            }
        }
    }

    /// What is done about the job that a change begins.
    struct Ending: ParsableArguments {
        @Flag(help: "Return only when it is done, as is always done without a running server.") var wait = false
        @Flag(help: "Print the result as JSON.") var json = false

        /// - Parameter base: As the server described it when the change began.
        func follow(_ base: JSONValue, _ client: APIClient) async throws {
            guard let job = base["reindexing"]?["job_id"]?.string else {
                if json { try Terminal.print(json: base) } else { Terminal.print("nothing to change") }
                return
            }
            guard wait || client.isTemporary else {
                if json { try Terminal.print(json: try await client.get(JobCommand.path(job))) } else { Terminal.print(job) }
                return
            }
            try JobCommand.report(try await JobCommand.follow(job, client), asJSON: json)
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "rm")
        @OptionGroup var session: Session
        @Argument(help: "The knowledge base, by name or id.") var base: String

        func run() async throws {
            try await session.run { client in
                let id = try await client.knowledgeBase(named: base)
                _ = try await client.delete("/v1/vector_stores/\(id)")
                Terminal.note("removed \(id)")
            }
        }
    }
}

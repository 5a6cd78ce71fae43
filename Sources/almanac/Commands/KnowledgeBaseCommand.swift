import ArgumentParser
import Foundation
import Knowledge

struct KnowledgeBaseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kb", abstract: "Make, list and remove knowledge bases.",
        subcommands: [List.self, Create.self, Show.self, Remove.self])

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

import ArgumentParser
import Foundation
import Knowledge

struct ExpertCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "expert", abstract: "Make, list and remove experts.",
        subcommands: [List.self, Create.self, Show.self, Remove.self])

    struct List: AsyncParsableCommand {
        @OptionGroup var session: Session
        @Flag(help: "Print the result as JSON.") var json = false

        func run() async throws {
            try await session.run { client in
                let answer = try await client.get("/api/v1/experts")
                if json { return try Terminal.print(json: answer) }
                Terminal.table(
                    ["ID", "TITLE", "DESCRIPTION"],
                    (answer["experts"]?.array ?? []).map { expert in
                        ["id", "title", "description"].map { expert[$0]?.string ?? "" }
                    })
            }
        }
    }

    struct Create: AsyncParsableCommand {
        @OptionGroup var session: Session
        @Argument(help: "Its title.") var title: String
        @Option(help: "What it is told before every conversation.") var instructions = ""
        @Option(name: .customLong("kb"), help: "A knowledge base, by name or id; may be given several times.")
        var bases: [String] = []
        @Option(help: "The model that answers.") var model: String?

        func run() async throws {
            try await session.run { client in
                var ids: [JSONValue] = []
                for base in bases { ids.append(.string(try await client.knowledgeBase(named: base))) }
                var settings: [String: JSONValue] = [
                    "user_system_prompt": .string(instructions), "knowledgebase_ids": .array(ids),
                ]
                settings["model"] = model.map(JSONValue.string)
                let expert = try await client.post(
                    "/api/v1/experts", ["title": .string(title), "settings": .object(settings)])
                Terminal.print(expert["id"]?.string ?? "")
            }
        }
    }

    struct Show: AsyncParsableCommand {
        @OptionGroup var session: Session
        @Argument(help: "The expert, by title or id.") var expert: String

        func run() async throws {
            try await session.run { client in
                let id = try await client.expert(named: expert)
                try await Terminal.print(json: client.get("/api/v1/experts/\(id)"))
            }
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "rm")
        @OptionGroup var session: Session
        @Argument(help: "The expert, by title or id.") var expert: String

        func run() async throws {
            try await session.run { client in
                let id = try await client.expert(named: expert)
                _ = try await client.delete("/api/v1/experts/\(id)")
                Terminal.note("removed \(id)")
            }
        }
    }
}

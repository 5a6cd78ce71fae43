import ArgumentParser
import Foundation
import Knowledge
import OpenAIWire

extension Terminal {
    /// One JSON document with sorted keys.
    static func print(json value: JSONValue) throws { print(String(decoding: try encoded(value), as: UTF8.self)) }
}

extension APIClient {
    /// The id of a knowledge base given by id or by name.
    func knowledgeBase(named name: String, orCreate: Bool = false) async throws -> String {
        let bases = try await list("/v1/vector_stores")
        let found = bases.filter { $0["id"]?.string == name || $0["name"]?.string == name }.compactMap { $0["id"]?.string }
        if found.isEmpty, orCreate {
            return try await post("/v1/vector_stores", ["name": .string(name)])["id"]?.string ?? ""
        }
        return try Self.single(found, "knowledge base", name)
    }

    /// The id of an expert given by id or by title.
    func expert(named name: String) async throws -> String {
        let experts = try await get("/api/v1/experts")["experts"]?.array ?? []
        let found = experts.filter { $0["id"]?.string == name || $0["title"]?.string == name }
        return try Self.single(found.compactMap { $0["id"]?.string }, "expert", name)
    }

    private static func single(_ ids: [String], _ kind: String, _ name: String) throws -> String {
        guard let id = ids.first else { throw CommandFailure(.notFound, "There is no \(kind) '\(name)'.") }
        guard ids.count == 1 else {
            throw CommandFailure(.conflict, "'\(name)' is the name of \(ids.count): \(ids.joined(separator: ", ")). Give an id.")
        }
        return id
    }
}

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

struct KeyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key", abstract: "Make, list and revoke API keys.",
        subcommands: [List.self, Create.self, Revoke.self])

    struct List: AsyncParsableCommand {
        @OptionGroup var session: Session
        @Flag(help: "Print the result as JSON.") var json = false

        func run() async throws {
            try await session.run { client in
                let answer = try await client.get("/api/v1/keys")
                if json { return try Terminal.print(json: answer) }
                Terminal.table(
                    ["ID", "NAME", "TENANT", "ROLE", "ENDS WITH", "STATE"],
                    (answer["keys"]?.array ?? []).map { key in
                        ["id", "name", "tenant", "role", "hint"].map { key[$0]?.string ?? "" }
                            + [key["revoked_at"] == .null ? "active" : "revoked"]
                    })
            }
        }
    }

    struct Create: AsyncParsableCommand {
        @OptionGroup var session: Session
        @Argument(help: "What it is for.") var name: String
        @Flag(help: "Let it manage keys.") var admin = false
        @Option(help: "Whose data it sees; a new tenant is made with its first key.") var tenant: String?

        func run() async throws {
            try await session.run { client in
                var body: [String: JSONValue] = ["name": .string(name), "role": admin ? "admin" : "user"]
                body["tenant"] = tenant.map(JSONValue.string)
                let key = try await client.post("/api/v1/keys", .object(body))
                Terminal.note("\(key["id"]?.string ?? "") — the secret is shown this once:")
                Terminal.print(key["key"]?.string ?? "")
            }
        }
    }

    struct Revoke: AsyncParsableCommand {
        @OptionGroup var session: Session
        @Argument(help: "The key's id.") var id: String

        func run() async throws {
            try await session.run { client in
                _ = try await client.delete("/api/v1/keys/\(id)")
                Terminal.note("revoked \(id)")
            }
        }
    }
}

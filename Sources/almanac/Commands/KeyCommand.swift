import ArgumentParser
import Foundation
import Knowledge

struct KeyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key", abstract: "Make, list and revoke API keys, and see what they used.",
        subcommands: [List.self, Create.self, Revoke.self, Usage.self])

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

    struct Usage: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show what each key used, by day and model.")

        @OptionGroup var session: Session
        @Option(help: "The first day, as 2026-01-31 (default: 29 days before the last).") var from: String?
        @Option(help: "The last day (default: today).") var to: String?
        @Option(help: "One key's use alone, by its id.") var key: String?
        @Flag(help: "Print the result as JSON.") var json = false

        func run() async throws {
            try await session.run { client in
                let fields = [("from", from), ("to", to), ("key", key)]
                let query = fields.compactMap { name, value in value.map { URLQueryItem(name: name, value: $0) } }
                var path = URLComponents()
                path.path = "/api/v1/usage"
                path.queryItems = query.isEmpty ? nil : query
                let answer = try await client.get(path.string ?? path.path)
                if json { return try Terminal.print(json: answer) }
                Terminal.table(
                    ["DAY", "KEY", "MODEL", "REQUESTS", "PROMPT TOKENS", "COMPLETION TOKENS"],
                    (answer["data"]?.array ?? []).map { line in
                        ["day", "key_id", "model"].map { line[$0]?.string ?? "-" }
                            + ["requests", "prompt_tokens", "completion_tokens"].map { "\(line[$0]?.integer ?? 0)" }
                    })
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

import ArgumentParser
import Foundation
import Knowledge

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

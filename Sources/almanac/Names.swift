import Foundation
import Knowledge
import OpenAIWire

extension Terminal {
    /// One JSON document with sorted keys.
    static func print(json value: JSONValue) throws { print(String(decoding: try value.json(), as: UTF8.self)) }
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

    /// The id of a file of a knowledge base given by id or by name.
    func file(named name: String, in base: String) async throws -> String {
        let files = try await list("/v1/vector_stores/\(base)/files")
        let found = files.filter { $0["id"]?.string == name || $0["filename"]?.string == name }
        return try Self.single(found.compactMap { $0["id"]?.string }, "file", name)
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

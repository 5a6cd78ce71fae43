import Foundation
import Hummingbird
import Testing

@testable import Knowledge
@testable import OpenAIWire
@testable import Server
@testable import almanac

@Suite("The description of the API", .timeLimit(.minutes(2)))
struct OpenAPITests {
    @Test("names every route once, and no other")
    func complete() async throws {
        try await TestServer.run { server in
            let refused = Set(Door.prefixes.flatMap { prefix in RefusedRoutes.paths.map { Self.unnamed("\(prefix)/\($0)") } })
            let routes = server.services.door.describedRouter().routes
                .filter { !refused.contains(Self.unnamed("\($0.path)")) }
                .map { "\($0.method) \(Self.unnamed("\($0.path)"))" }
            let described = try await Self.operations(server)
            let promised = described.flatMap { operation in
                Self.mounts(of: operation).map { "\(operation.method) \(Self.unnamed($0))" }
            }
            #expect(Set(routes).subtracting(promised).sorted() == [], "these routes are not described")
            #expect(Set(promised).subtracting(routes).sorted() == [], "these are described and do not exist")
        }
    }

    @Test("is open without a key for exactly what it says is open")
    func keys() async throws {
        try await TestServer.run { server in
            let stranger = server.with(key: "")
            for operation in try await Self.operations(server) {
                let path = operation.path.replacing(/\{\w+\}/, with: "x")
                let answer = try await stranger.send(.init(operation.method)!, path)
                #expect((answer.status != 401) == operation.isOpen, "\(operation.method) \(path)")
            }
        }
    }

    @Test("holds where a path is asked for by another method: 405, and which ones it knows")
    func otherMethods() async throws {
        try await TestServer.run { server in
            let operations = try await Self.operations(server)
            // Behind a model's id, which may hold slashes, the router cannot tell one path from another.
            for known in Dictionary(grouping: operations, by: { Self.unnamed($0.path) }).values {
                let path = known[0].path
                let methods = Set(known.map(\.method))
                for method in ["GET", "PUT", "POST", "DELETE", "PATCH"] where !methods.contains(method) {
                    let answer = try await server.send(.init(method)!, path.replacing(/\{\w+\}/, with: "x"))
                    #expect(answer.status == 405, "\(method) \(path)")
                    #expect(answer.headers[.allow]?.split(separator: ", ").map(String.init) == methods.sorted())
                    #expect(answer.error?["type"] == "invalid_request_error")
                }
            }
        }
    }

    @Test("holds for HEAD wherever there is GET: the same headers, and no body")
    func heads() async throws {
        try await TestServer.run { server in
            for operation in try await Self.operations(server) where operation.method == "GET" && operation.isOpen {
                let whole = try await server.get(operation.path)
                let head = try await server.send(.head, operation.path)
                #expect(head.status == whole.status && head.body.isEmpty && !whole.body.isEmpty, "\(operation.path)")
                #expect(head.headers[.contentType] == whole.headers[.contentType])
            }
            let refused = try await server.with(key: "").send(.head, "/v1/models")
            #expect(refused.status == 401 && refused.body.isEmpty)
        }
    }

    @Test("has the program's version, and what steers generation as it is checked, in every request that takes it")
    func parameters() async throws {
        try await TestServer.run { server in
            let description = try await server.get("/openapi.json").json
            #expect(description["info"]?["version"] == .string(Almanac.version))
            let schemas = try #require(description["components"]?["schemas"])
            let described = try #require(schemas["GenerationParameters"]?["properties"]?.object)
            var known = GenerationParameters.openAI
            for more in [GenerationParameters.others, GenerationParameters.withoutEffect] {
                known.merge(more) { first, _ in first }
            }
            let removed = known.removeValue(forKey: "max_tokens")
            let limit = try #require(removed)
            for (name, kind) in known { #expect(described[name] == Self.schema(of: kind), "\(name)") }
            let own: Set = ["stop", "logit_bias", "metadata", "n_predict", "max_token", "maximum_tokens"]
            #expect(Set(described.keys) == Set(known.keys).union(own))
            for request in [
                "ChatRequest", "CompletionRequest", "EngineCompletionRequest", "GenerateStreamRequest", "LogitsRequest",
            ] {
                let schema = schemas[request]
                #expect(schema?["allOf"] == [["$ref": "#/components/schemas/GenerationParameters"]], "\(request)")
                // Only texts that are echoed may end where they begin.
                let least: JSONValue = request.contains("Completion") ? 0 : 1
                #expect(schema?["properties"]?["max_tokens"]?["minimum"] == least, "\(request)")
                #expect(schema?["properties"]?["max_tokens"]?["maximum"] == Self.schema(of: limit)["maximum"])
            }
        }
    }

    private static func schema(of kind: GenerationParameters.Kind) -> JSONValue {
        let text: [String: JSONValue] = ["type": "string", "maxLength": 1_048_576]
        return switch kind {
        case .bool: ["type": ["boolean", "null"]]
        case .integer(let range):
            [
                "type": ["integer", "null"], "minimum": .integer(range.lowerBound),
                "maximum": .integer(range.upperBound),
            ]
        case .number(let range):
            [
                "type": ["number", "null"], "minimum": .integer(Int(range.lowerBound)),
                "maximum": .integer(Int(range.upperBound)),
            ]
        case .string: ["type": ["string", "null"], "maxLength": 1_048_576]
        case .choice(let words):
            ["type": ["string", "null"], "enum": .array(words.map(JSONValue.string) + [.null])]
        case .strings:
            ["anyOf": [["type": "string"], ["type": "array", "items": .object(text), "maxItems": 1_024], ["type": "null"]]]
        case .array: ["type": ["array", "null"], "maxItems": 65_536]
        case .object: ["type": ["object", "null"]]
        case .any: [:]
        }
    }

    private struct Operation {
        var method: String
        var path: String
        var isOpen: Bool
    }

    private static func operations(_ server: TestServer) async throws -> [Operation] {
        let answer = try await server.with(key: "").get("/openapi.json")
        #expect(answer.status == 200 && answer.json["openapi"] == "3.1.0")
        return (answer.json["paths"]?.object ?? [:]).flatMap { path, item in
            (item.object ?? [:]).filter { $0.key != "parameters" }.map { method, operation in
                Operation(method: method.uppercased(), path: path, isOpen: operation["security"] == [])
            }
        }
    }

    /// Where a described path is found: what stands under `/v1` is OpenAI's surface, which has several addresses.
    private static func mounts(of operation: Operation) -> [String] {
        guard operation.path.hasPrefix("/v1/"), !operation.isOpen else { return [operation.path] }
        return Door.prefixes.map { ($0.isEmpty ? "" : "/\($0)") + operation.path.dropFirst("/v1".count) }
    }

    /// A path without the names of its parameters, in the router's words or in OpenAPI's. A model's id may hold slashes, so
    /// that the router's path ends with it.
    private static func unnamed(_ path: String) -> String {
        let path = path.replacing(/(\{model\}|\*\*).*/, with: "**")
        return "/" + path.split(separator: "/").map { $0.hasPrefix(":") || $0.hasPrefix("{") ? "*" : $0 }
            .joined(separator: "/")
    }
}

import Foundation
import HTTPTypes
import Hummingbird
import Knowledge
import NIOCore
import OpenAIWire
import Service

/// Largest bodies that are read into memory.
enum BodyLimit {
    static let json = 1 << 20
    /// Conversations may carry images as data URIs.
    static let chat = 8 << 20
}

extension Request {
    /// The body as a JSON object.
    func fields(limit: Int = BodyLimit.json) async throws -> Fields {
        if let announced = headers[.contentLength].flatMap({ Int($0) }), announced > limit {
            throw RequestError.tooLarge(limitBytes: limit)
        }
        let buffer: ByteBuffer
        do {
            buffer = try await body.collect(upTo: limit)
        } catch is NIOTooManyBytesError {
            throw RequestError.tooLarge(limitBytes: limit)
        }
        return try Fields(json: Data(buffer.readableBytesView))
    }

    /// Like `fields`, for bodies that may as well be left out.
    func optionalFields() async throws -> Fields {
        headers[.contentLength] == "0" || (headers[.contentLength] == nil && headers[.transferEncoding] == nil)
            ? Fields([:]) : try await fields()
    }

    /// `limit`, `order`, `after` and `before` of a list.
    func page(limit standard: Int = 20, atMost: Int = 100) throws -> Page {
        var page = Page(limit: standard)
        if let text = uri.queryParameters["limit"] {
            guard let limit = Int(text), (1...atMost).contains(limit) else {
                throw RequestError.invalid(parameter: "limit", message: "must be between 1 and \(atMost)")
            }
            page.limit = limit
        }
        if let text = uri.queryParameters["order"] {
            guard let order = Page.Order(rawValue: String(text)) else {
                throw RequestError.invalid(parameter: "order", message: "must be one of: asc, desc")
            }
            page.order = order
        }
        page.after = uri.queryParameters["after"].map(String.init)
        page.before = uri.queryParameters["before"].map(String.init)
        return page
    }
}

extension AppContext {
    /// An id from the path, where whatever is no letter or digit may be percent-encoded.
    func id<ID: Identifier>(_ name: String, as type: ID.Type = ID.self) throws -> ID {
        ID(rawValue: try segment(name))
    }

    /// A part of the path, decoded once: `a%2Fb` is `a/b`.
    func segment(_ name: String) throws -> String {
        let sent: String = try parameters.require(name)
        return sent.removingPercentEncoding ?? sent
    }
}

extension SearchPassages {
    /// Searches the knowledge base of the path, on both faces.
    func answer(_ request: Request, _ context: AppContext) async throws -> Response {
        let asked = try SearchRequest(await request.fields())
        let (base, scope) = try (context.id("base", as: KnowledgeBaseID.self), context.caller())
        let page = try await context.whileClientIsPresent {
            let passages = try await self(asked.search, in: base, scope: scope)
            let page = wire(passages, queries: asked.search.queries.map(\.text), explain: asked.explain)
            guard let file = asked.explainedFile, case .object(var fields) = page else { return page }
            fields["explanation"] = try await self.explanation(of: file, in: asked.search, base, scope)
            return .object(fields)
        }
        return try Response.json(page)
    }

    private func explanation(
        of file: FileID, in search: PassageSearch, _ base: KnowledgeBaseID, _ scope: Scope
    ) async throws -> JSONValue {
        do {
            let place = try await explain(file, in: search, of: base, scope: scope)
            return [
                "file_id": .string(file.rawValue), "filename": .string(place.document.filename),
                "reason": .string(place.reason.rawValue), "rank": place.rank.map(JSONValue.integer) ?? .null,
                "text": place.passage.map { .string($0.text) } ?? .null,
                "explain": place.passage.map { wire($0.evidence, score: $0.score) } ?? .null,
            ]
        } catch RequestError.notFound {
            throw RequestError.notFound("file", id: file.rawValue, parameter: "explain_file_id")
        }
    }
}

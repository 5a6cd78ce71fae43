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
    /// An id from the path.
    func id<ID: Identifier>(_ name: String, as type: ID.Type = ID.self) throws -> ID {
        ID(rawValue: try parameters.require(name))
    }
}

extension SearchPassages {
    /// Searches the knowledge base of the path, on both faces.
    func answer(_ request: Request, _ context: AppContext) async throws -> Response {
        let asked = try SearchRequest(await request.fields())
        let (base, scope) = try (context.id("base", as: KnowledgeBaseID.self), context.caller())
        let passages = try await context.whileClientIsPresent {
            try await self(
                asked.queries, in: base, matching: asked.filter, limit: asked.limit, minimumScore: asked.scoreThreshold,
                scope: scope)
        }
        return try Response.json(wire(passages, queries: asked.queries))
    }
}

import HTTPTypes
package import Hummingbird

/// The routes, also where a proxy or a client's habit puts something in front of them: `/vm/3f2a…/v1/models` is
/// `/v1/models`.
///
/// A path whose beginning is no route's is taken from its first `v1`, `v2`, `oai` or `api/v1` on. Real routes come first, so
/// that no id or file name within one can be mistaken for a prefix.
package struct AnyPrefix: HTTPResponderBuilder {
    private let router: Router<AppContext>

    package init(_ router: Router<AppContext>) {
        self.router = router
    }

    package func buildResponder() -> some HTTPResponder<AppContext> {
        let beginnings = router.routes.compactMap { $0.path.components.first?.description }
        return PrefixedResponder(inner: router.buildResponder(), beginnings: Set(beginnings))
    }
}

struct PrefixedResponder<Inner: HTTPResponder>: HTTPResponder where Inner.Context == AppContext {
    let inner: Inner
    /// First segments of all routes.
    let beginnings: Set<String>

    func respond(to request: Request, context: AppContext) async throws -> Response {
        guard let path = Self.withoutPrefix(request.uri.description, beginnings) else {
            return try await inner.respond(to: request, context: context)
        }
        var head = request.head
        head.path = path
        return try await inner.respond(to: Request(head: head, body: request.body), context: context)
    }

    /// The path from the API's beginning on, query and all; nil where it has no prefix, or none that hides an API.
    static func withoutPrefix(_ path: String, _ beginnings: Set<String>) -> String? {
        let end = path.firstIndex { $0 == "?" || $0 == "#" } ?? path.endIndex
        let segments = path[..<end].split(separator: "/")
        guard let first = segments.first, !beginnings.contains(String(first)) else { return nil }
        guard var start = segments.firstIndex(where: { ["v1", "v2", "oai"].contains($0) }), start > 0 else { return nil }
        if segments[start] == "v1", segments[start - 1] == "api" { start -= 1 }
        return "/" + path[segments[start].startIndex...]
    }
}

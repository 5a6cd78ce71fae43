import HTTPTypes
package import Hummingbird

/// The routes, also where a proxy or a client's habit puts something in front of them: `/vm/3f2a…/v1/models` is
/// `/v1/models`.
///
/// A path that does not begin as a route does is taken from its first `v1`, `v2`, `oai` or `api` on behind which it does.
/// Real routes come first, so that no id or file name within one can be mistaken for a prefix.
package struct AnyPrefix: HTTPResponderBuilder {
    private let router: Router<AppContext>

    package init(_ router: Router<AppContext>) {
        self.router = router
    }

    package func buildResponder() -> some HTTPResponder<AppContext> {
        PrefixedResponder(
            inner: router.buildResponder(),
            beginnings: RouteBeginnings(router.routes.map { $0.path.components.map(\.description) }))
    }
}

/// How the routes begin: their first two segments.
struct RouteBeginnings: Sendable {
    /// What stands for any segment.
    private static let any = "*"
    /// By the first segment, the second ones; "" where the route ends with the first.
    private var seconds: [String: Set<String>] = [:]

    /// - Parameter routes: Their segments; parameters begin with `:`, `{` or `*`.
    init(_ routes: [[String]]) {
        for route in routes {
            guard let first = route.first else { continue }
            let second = route.dropFirst().first ?? ""
            let isParameter = second.first.map { ":{*".contains($0) } ?? false
            seconds[first, default: []].insert(isParameter ? Self.any : second)
        }
    }

    func begin(_ path: ArraySlice<Substring>) -> Bool {
        guard let first = path.first, let seconds = seconds[String(first)] else { return false }
        let second = path.dropFirst().first.map(String.init) ?? ""
        return seconds.contains(second) || (!second.isEmpty && seconds.contains(Self.any))
    }
}

struct PrefixedResponder<Inner: HTTPResponder>: HTTPResponder where Inner.Context == AppContext {
    let inner: Inner
    let beginnings: RouteBeginnings

    func respond(to request: Request, context: AppContext) async throws -> Response {
        guard let path = withoutPrefix(request.uri.description, beginnings) else {
            return try await inner.respond(to: request, context: context)
        }
        var head = request.head
        head.path = path
        return try await inner.respond(to: Request(head: head, body: request.body), context: context)
    }
}

/// The path from the API's beginning on, query and all; nil where it has no prefix, or none that hides an API.
func withoutPrefix(_ path: String, _ beginnings: RouteBeginnings) -> String? {
    let end = path.firstIndex { $0 == "?" || $0 == "#" } ?? path.endIndex
    let segments = path[..<end].split(separator: "/")[...]
    guard !beginnings.begin(segments) else { return nil }
    let start = segments.indices.dropFirst().first { index in
        ["v1", "v2", "oai", "api"].contains(segments[index]) && beginnings.begin(segments[index...])
    }
    return start.map { "/" + path[segments[$0].startIndex...] }
}

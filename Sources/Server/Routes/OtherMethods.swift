import HTTPTypes
import Hummingbird

extension Router {
    /// Answers every method that a path does not know with 405 and the methods that it does. What knows GET knows HEAD.
    ///
    /// To be called when all routes are there: without it, such a request would be told that the path does not exist.
    func refuseOtherMethods() {
        let all: [HTTPRequest.Method] = [.get, .head, .put, .post, .patch, .delete, .options, .trace]
        for (path, routes) in Dictionary(grouping: self.routes, by: \.path.description) {
            let known = Set(routes.map(\.method))
            let allowed = known.map(\.rawValue).sorted().joined(separator: ", ")
            for method in all where !known.contains(method == .head && known.contains(.get) ? .get : method) {
                on(RouterPath(path), method: method) { _, _ -> Response in
                    throw HTTPError(.methodNotAllowed, headers: [.allow: allowed])
                }
            }
        }
    }
}

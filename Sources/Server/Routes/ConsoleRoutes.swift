import CAssets
import HTTPTypes
import Hummingbird
import NIOCore

/// `/`, `/docs`, `/openapi.json` and `/console/…`: pages for people and the description of the API, out of the binary. Open
/// to everyone, for they hold nothing: what they show, they ask of the API with a key that their user brings.
struct ConsoleRoutes: Sendable {
    func add(to router: Router<AppContext>) {
        for index in 0..<asset_console_file_count() {
            let file = asset_console_file(index)
            let name = String(cString: file.name)
            let body = ByteBuffer(bytes: UnsafeBufferPointer(start: file.bytes, count: file.length))
            let headers = Self.headers(for: name)
            let path = Self.path(of: name)
            for method in path == "/" ? [HTTPRequest.Method.get, .head] : [.get] {
                router.on(path, method: method) { _, _ in
                    Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: body))
                }
            }
        }
    }

    private static func path(of name: String) -> RouterPath {
        switch name {
        case "index.html": "/"
        case "docs.html": "docs"
        case "openapi.json": "openapi.json"
        default: RouterPath("console/\(name)")
        }
    }

    /// Nothing inline, nothing from elsewhere, in nobody's frame, and no string that becomes a script.
    private static let contentSecurityPolicy = """
        default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
        connect-src 'self'; base-uri 'none'; object-src 'none'; form-action 'self'; frame-ancestors 'none'; \
        require-trusted-types-for 'script'
        """

    private static func headers(for name: String) -> HTTPFields {
        [
            .contentType: contentType(of: name), .contentSecurityPolicy: contentSecurityPolicy,
            .referrerPolicy: "no-referrer", .crossOriginOpenerPolicy: "same-origin",
            .crossOriginResourcePolicy: "same-origin", .permissionsPolicy: "camera=(), microphone=(), geolocation=()",
            // A page and a script of different versions of the program must not meet.
            .cacheControl: "no-cache",
        ]
    }

    private static func contentType(of name: String) -> String {
        if name.hasSuffix(".json") { return "application/json" }
        if name.hasSuffix(".js") { return "text/javascript; charset=utf-8" }
        return name.hasSuffix(".css") ? "text/css; charset=utf-8" : "text/html; charset=utf-8"
    }
}

extension HTTPField.Name {
    fileprivate static let referrerPolicy = constant("Referrer-Policy")
    fileprivate static let crossOriginOpenerPolicy = constant("Cross-Origin-Opener-Policy")
    fileprivate static let permissionsPolicy = constant("Permissions-Policy")
}

import HTTPTypes
import Synchronization

/// Counts requests and how long each took until its answer began.
///
/// Labels come from the routes and not from what clients send, so that nobody can make the server remember much.
final class RequestMetrics: Sendable {
    /// Upper bounds in seconds.
    private static let bounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

    private struct Call: Hashable {
        var method: String
        var route: String
    }

    private struct Figures {
        var statuses: [Int: Int] = [:]
        /// Requests no slower than each bound, and slower than the one before it.
        var durations = [Int](repeating: 0, count: RequestMetrics.bounds.count)
        var seconds = 0.0
    }

    private let calls = Mutex<[Call: Figures]>([:])

    /// - Parameter route: As the router has it, nil where it knows no such path.
    func count(_ method: HTTPRequest.Method, _ route: String?, status: Int, seconds: Double) {
        // A method may be any word; those of the routes are few.
        let call = route.map { Call(method: method.rawValue, route: $0) } ?? Call(method: "", route: "")
        let place = Self.bounds.firstIndex { seconds <= $0 }
        calls.withLock { calls in
            calls[call, default: Figures()].statuses[status, default: 0] += 1
            calls[call]?.seconds += seconds
            if let place { calls[call]?.durations[place] += 1 }
        }
    }

    func write(to page: inout PrometheusText) {
        let calls = calls.withLock { $0 }.sorted { ($0.key.route, $0.key.method) < ($1.key.route, $1.key.method) }
        page.family("almanac_http_requests_total", .counter, "Requests by route and status of the answer.")
        for (call, figures) in calls {
            for (status, count) in figures.statuses.sorted(by: { $0.key < $1.key }) {
                page.sample(
                    "almanac_http_requests_total",
                    ["method": call.method, "route": call.route, "status": "\(status)"], count)
            }
        }
        let name = "almanac_http_request_duration_seconds"
        page.family(name, .histogram, "Time until the answer began.")
        for (call, figures) in calls {
            var sum = 0
            for (bound, count) in zip(Self.bounds, figures.durations) {
                sum += count
                page.sample("\(name)_bucket", ["method": call.method, "route": call.route, "le": "\(bound)"], sum)
            }
            let total = figures.statuses.values.reduce(0, +)
            page.sample("\(name)_bucket", ["method": call.method, "route": call.route, "le": "+Inf"], total)
            page.sample("\(name)_sum", ["method": call.method, "route": call.route], "\(figures.seconds)")
            page.sample("\(name)_count", ["method": call.method, "route": call.route], total)
        }
    }
}

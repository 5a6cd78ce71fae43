import HTTPTypes
import Hummingbird
import Knowledge
import OpenAIWire
import Service

/// `/api/v1/jobs`: what goes on in the background, as a list, one by one, or as a stream.
struct JobRoutes: Sendable {
    let jobs: JobDesk

    func add(to group: RouterGroup<AppContext>) {
        group.get("jobs") { request, context in
            let listing = try await jobs.jobs(status: Self.status(request), page: request.page(), in: context.caller())
            return try Response.json(wire(listing, wire))
        }
        .get("jobs/:job") { _, context in
            try await Response.json(wire(jobs.job(context.id("job"), in: context.caller())))
        }
        .get("jobs/:job/events", use: events)
        .post("jobs/:job/cancel") { _, context in
            try await Response.json(wire(jobs.cancel(context.id("job"), in: context.caller())))
        }
        .post("jobs/:job/retry") { _, context in
            try await Response.json(wire(jobs.retry(context.id("job"), in: context.caller())))
        }
    }

    private static func status(_ request: Request) throws -> Job.Status? {
        guard let word = request.uri.queryParameters["status"] else { return nil }
        guard let status = Job.Status(rawValue: String(word)) else {
            let words = Job.Status.allCases.map(\.rawValue).joined(separator: ", ")
            throw RequestError.invalid(parameter: "status", message: "must be one of: \(words)")
        }
        return status
    }

    private func events(_ request: Request, _ context: AppContext) async throws -> Response {
        let (id, scope) = try (context.id("job", as: JobID.self), context.caller())
        // Asked first, since a stream that has begun cannot become a 404.
        _ = try await jobs.job(id, in: scope)
        let stream = JobEventStream(
            states: jobs.states(of: id, in: scope), seen: request.headers[.lastEventID].flatMap { Int($0) } ?? 0,
            context: context)
        return .eventStream { writer in try await stream.write(to: &writer) }
    }
}

extension HTTPField.Name {
    fileprivate static let lastEventID = constant("Last-Event-ID")
}

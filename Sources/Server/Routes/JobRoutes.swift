import Hummingbird
import Knowledge
import OpenAIWire

/// `/api/v1/jobs`: what goes on in the background.
struct JobRoutes: Sendable {
    let jobs: any JobStore

    func add(to group: RouterGroup<AppContext>) {
        group.get("jobs") { request, context in
            try await Response.json(wire(jobs.jobs(page: request.page(), in: context.caller()), wire))
        }
        .get("jobs/:job") { _, context in
            try await Response.json(wire(jobs.job(context.id("job"), in: context.caller())))
        }
    }
}

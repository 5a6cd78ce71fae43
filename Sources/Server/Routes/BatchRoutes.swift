import HTTPTypes
import Hummingbird
import Knowledge
import OpenAIWire
import Service

/// `/batches`: many requests in one file, answered in the background.
struct BatchRoutes: Sendable {
    let batches: RequestBatches

    func add(to group: RouterGroup<AppContext>) {
        group.post("batches") { request, context in
            let asked = try BatchRequest(await request.fields())
            return try await Response.json(
                wire(
                    batches.create(
                        asked.endpoint, input: asked.input, metadata: asked.metadata, outputLifetime: asked.outputLifetime,
                        in: context.caller())))
        }
        .get("batches") { request, context in
            try await Response.json(wire(batches.batches(page: request.page(), in: context.caller()), wire))
        }
        .get("batches/:batch") { _, context in
            try await Response.json(wire(batches.batch(context.id("batch"), in: context.caller())))
        }
        .post("batches/:batch/cancel") { _, context in
            try await Response.json(wire(batches.cancel(context.id("batch"), in: context.caller())))
        }
    }
}

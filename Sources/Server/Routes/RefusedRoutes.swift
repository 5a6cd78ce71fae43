import HTTPTypes
import Hummingbird
import Knowledge

/// What OpenAI and its imitators offer and Almanac does not: each is refused in a sentence that says what to do instead,
/// before any body is read.
struct RefusedRoutes: Sendable {
    private static let methods: [HTTPRequest.Method] = [.get, .post, .delete]

    /// What never was here.
    private static let missing: [(paths: [String], message: String)] = [
        (
            ["images/generations", "images/edits", "images/variations"],
            "Almanac makes no images. Ask the model server that does directly."
        ),
        (
            ["audio/speech", "audio/transcriptions", "audio/translations"],
            "Almanac neither hears nor speaks. Transcribe recordings first and upload their text."
        ),
        (
            ["fine-tunes", "fine-tunes/**", "fine_tuning/**"],
            "Almanac trains no models. Upload documents to a vector store instead: answers rest on them at once."
        ),
        (
            ["rerank"],
            "Almanac ranks passages while it searches. Use '/vector_stores/{id}/search', whose results come in order."
        ),
        (
            ["tokenize"],
            "Tokens are counted with '/internal/token-count' and listed with '/internal/encode'."
        ),
        (
            ["semantic_embed"],
            "Almanac has one kind of embedding. Use '/embeddings'."
        ),
        (
            ["messages"],
            "Almanac speaks OpenAI's API and not Anthropic's. Use '/chat/completions'."
        ),
        (
            ["responses/compact"],
            "Almanac compacts nothing: turns that do not fit a model's window are left out, with 'truncation': 'auto'."
        ),
        (
            ["assistants", "assistants/**", "threads", "threads/**"],
            "OpenAI gave up its Assistants API. Use '/api/v1/experts' for profiles and '/responses' for answers."
        ),
        (
            ["conversations", "conversations/**"],
            "Almanac keeps no conversations. Go on from a response by its 'previous_response_id'."
        ),
        (
            ["evals", "evals/**"],
            "Search and answers are measured from the command line, by 'almanac eval run'."
        ),
        (
            ["containers", "containers/**"],
            "Almanac runs no code. Upload files to '/files' and search them in vector stores."
        ),
        (["completion"], "This is llama.cpp's own endpoint. Use '/completions' or '/chat/completions'."),
        (["embedding"], "This is llama.cpp's own endpoint. Use '/embeddings'."),
        (["infill"], "This is llama.cpp's own endpoint. Use '/completions' with 'suffix'."),
        (
            ["search", "answers", "classifications"],
            "This endpoint is gone from OpenAI's API. Use '/vector_stores/{id}/search' or '/chat/completions'."
        ),
    ]

    /// What once was part of the API.
    private static let gone: [(paths: [String], message: String)] = [
        (["edits"], "'/edits' was withdrawn from OpenAI's API. Use '/chat/completions'."),
        (["text_completion"], "'/text_completion' was withdrawn. Use '/completions'."),
    ]

    /// What is refused whatever the method, and is therefore no part of the API's description.
    static var paths: [String] { (missing + gone).flatMap(\.paths) }

    func add(to group: RouterGroup<AppContext>) {
        for (status, refusals) in [(HTTPResponse.Status.notFound, Self.missing), (.gone, Self.gone)] {
            for (paths, message) in refusals {
                for path in paths {
                    for method in Self.methods {
                        group.on(RouterPath(path), method: method) { _, _ -> Response in
                            throw HTTPError(status, message: message)
                        }
                    }
                }
            }
        }
        group.get("billing/usage") { _, _ in
            // Nothing is charged for here; some clients ask all the same.
            try Response.json(["object": "list", "total_usage": 0])
        }
    }
}

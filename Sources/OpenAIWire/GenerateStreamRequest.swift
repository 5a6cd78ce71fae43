package import Knowledge

/// A `POST /llm/generate_stream` body, Alan's own: the fields of a chat request, with experts and knowledge bases beside
/// them instead of under `alan`.
package struct GenerateStreamRequest: Sendable {
    package var question: Question

    private static let beside: Set<String> = [
        "expert_id", "knowledgebase_ids", "knowledgebase_mode", "on_empty", "filters", "file_ids",
    ]

    package init(_ body: Fields) throws {
        var fields = body.values
        if body["alan"] == nil { fields["alan"] = .object(fields.filter { Self.beside.contains($0.key) }) }
        do {
            question = try ChatRequest(Fields(fields)).question
        } catch let error as RequestError {
            throw error.namingFieldsBeside
        }
        question.choices = 1
    }
}

extension RequestError {
    /// The same mistake, named as the flat request has the field: `knowledgebase_ids` for `alan.knowledgebase_ids`.
    package var namingFieldsBeside: RequestError {
        func name(_ parameter: String) -> String {
            parameter.hasPrefix("alan.") ? String(parameter.dropFirst("alan.".count)) : parameter
        }
        return switch self {
        case .missing(let parameter): .missing(parameter: name(parameter))
        case .wrongType(let parameter, let expected): .wrongType(parameter: name(parameter), expected: expected)
        case .invalid(let parameter, let message): .invalid(parameter: parameter.map(name), message: message)
        case .notFound(let kind, let id, let parameter): .notFound(kind, id: id, parameter: parameter.map(name))
        default: self
        }
    }
}

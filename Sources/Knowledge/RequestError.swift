/// A caller's mistake, in words that help to mend it. `parameter` is a JSON path into the request.
package enum RequestError: Error, Hashable, Sendable {
    /// Nothing of that id that this caller may see. The same for an unknown id and for another tenant's.
    case notFound(String, id: String, parameter: String?)
    case unknownModel(String)
    case missing(parameter: String)
    case wrongType(parameter: String, expected: String)
    case invalid(parameter: String?, message: String)
    case malformed(String)
    case tooLarge(limitBytes: Int)
    case unsupportedMediaType(String)
    case unauthenticated
    case forbidden(String)
    /// Cannot be done in the present state, and trying again will not help.
    case conflict(String)
    /// The knowledge bases hold nothing about the question, and the expert or request wants that to be an error.
    case nothingFound
    /// The question does not fit into its model, whatever is left out around it.
    case contextExceeded(windowTokens: Int)
    /// A text, or all of them together, has more tokens than are taken.
    case tooManyTokens(parameter: String, limit: Int)
    /// Too much of it is under way; the same may be accepted after so many seconds.
    case tooMany(String, retryAfter: Int = 10)
}

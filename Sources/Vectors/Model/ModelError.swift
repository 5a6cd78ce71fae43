/// Why a model folder cannot be used, in words for the person who put it there.
package enum ModelError: Error, Hashable, Sendable, CustomStringConvertible {
    case missing(file: String)
    case malformed(file: String, reason: String)
    /// Well-formed, but of a kind that Almanac does not run.
    case unsupported(file: String, reason: String)

    package var description: String {
        switch self {
        case .missing(let file): "\(file): not there, or not readable"
        case .malformed(let file, let reason): "\(file): \(reason)"
        case .unsupported(let file, let reason): "\(file): not supported: \(reason)"
        }
    }
}

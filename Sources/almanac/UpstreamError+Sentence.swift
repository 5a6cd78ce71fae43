import Knowledge

extension UpstreamError {
    /// What went wrong, for whoever runs the program.
    var sentence: String {
        switch self {
        case .unreachable(let provider, let reason): "The model server '\(provider)' cannot be reached: \(reason)."
        case .timedOut(let provider, let step): "The model server '\(provider)' took too long (\(step))."
        case .rejected(let provider, let status, let message):
            "The model server '\(provider)' refused the request with status \(status): \(message)"
        case .contextExceeded(let provider, _, let message):
            "The question does not fit into the model of '\(provider)': \(message)"
        case .unauthorized(let provider): "The model server '\(provider)' refused the credentials that are configured."
        case .rateLimited(let provider, _): "The model server '\(provider)' is at its limit."
        case .resting(let provider, let seconds):
            "The model server '\(provider)' failed too often and is asked again in \(seconds) s."
        case .failed(let provider, let status): "The model server '\(provider)' failed with status \(status)."
        case .garbage(let provider, let reason): "The model server '\(provider)' gave no usable answer: \(reason)."
        }
    }
}

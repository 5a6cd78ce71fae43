/// What keeps a store from doing what it was asked, in terms that a caller can act on.
package enum StoreError: Error, Hashable, Sendable {
    /// No space left.
    case full
    /// Locked, damaged or closed; the log says which.
    case unavailable
}

/// An error of a store, as far as callers can act on it.
package protocol StoreFailure: Error {
    var consequence: StoreConsequence { get }
}

package enum StoreConsequence: Sendable {
    /// No space left: reading goes on, nothing more can be written until somebody makes room.
    case full
    /// Not now; the same may work in a moment.
    case busy
    /// A defect or damage; the log says which.
    case broken
}

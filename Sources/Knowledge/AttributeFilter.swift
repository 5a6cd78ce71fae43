/// A condition on a document's attributes, as OpenAI's search takes it.
package indirect enum AttributeFilter: Hashable, Sendable {
    case compare(String, Comparison, JSONValue)
    case all([AttributeFilter])
    case any([AttributeFilter])

    package enum Comparison: String, Sendable, CaseIterable {
        case equal = "eq", notEqual = "ne", greater = "gt", greaterOrEqual = "gte", less = "lt", lessOrEqual = "lte"
        case oneOf = "in", noneOf = "nin"
    }

    /// Whether a document with these attributes satisfies the condition.
    ///
    /// Numbers compare as numbers, strings by code points; values of different kinds are unequal and unordered. A missing
    /// attribute satisfies only `ne` and `nin`.
    package func matches(_ attributes: [String: JSONValue]) -> Bool {
        switch self {
        case .all(let filters): filters.allSatisfy { $0.matches(attributes) }
        case .any(let filters): filters.contains { $0.matches(attributes) }
        case .compare(let key, let comparison, let wanted):
            Self.holds(attributes[key], comparison, wanted)
        }
    }

    private static func holds(_ value: JSONValue?, _ comparison: Comparison, _ wanted: JSONValue) -> Bool {
        switch comparison {
        case .equal: value.map { areEqual($0, wanted) } ?? false
        case .notEqual: !(value.map { areEqual($0, wanted) } ?? false)
        case .greater: isOrdered(wanted, before: value, orEqual: false)
        case .greaterOrEqual: isOrdered(wanted, before: value, orEqual: true)
        case .less: isOrdered(value, before: wanted, orEqual: false)
        case .lessOrEqual: isOrdered(value, before: wanted, orEqual: true)
        case .oneOf: value.map { value in (wanted.array ?? []).contains { areEqual(value, $0) } } ?? false
        case .noneOf: !(value.map { value in (wanted.array ?? []).contains { areEqual(value, $0) } } ?? false)
        }
    }

    private static func areEqual(_ one: JSONValue, _ other: JSONValue) -> Bool {
        if let one = one.double, let other = other.double { return one == other }
        return one == other
    }

    private static func isOrdered(_ one: JSONValue?, before other: JSONValue?, orEqual: Bool) -> Bool {
        guard let one, let other else { return false }
        if let one = one.double, let other = other.double { return orEqual ? one <= other : one < other }
        if let one = one.string, let other = other.string {
            let comparesLess = one.unicodeScalars.lexicographicallyPrecedes(other.unicodeScalars)
            return comparesLess || (orEqual && one == other)
        }
        return false
    }
}

import FoundationEssentials
import GRDB
import Knowledge

// How values lie in columns: dates as whole milliseconds since 1970, structured values as JSON with sorted keys.

/// GRDB's own database type: one connection, inside an access.
typealias Connection = GRDB.Database

extension Date {
    /// Whole milliseconds since 1970, rounded down; dates beyond 200 000 years from now are cut to that.
    var milliseconds: Int64 {
        Int64(min(max((timeIntervalSince1970 * 1000).rounded(.down), -6.4e15), 6.4e15))
    }

    init(milliseconds: Int64) {
        self.init(timeIntervalSince1970: Double(milliseconds) / 1000)
    }
}

extension Int64 {
    /// A length of time in whole milliseconds, as columns have it.
    init(seconds: TimeInterval) { self = Date(timeIntervalSince1970: seconds).milliseconds }
}

/// A value as the text of a JSON column.
func jsonText(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(value), as: UTF8.self)
}

extension Row {
    /// A column's value.
    ///
    /// Throws where GRDB's subscript would trap: the schema forbids NULL and other types, but a damaged page may hold
    /// them.
    func get<Value: DatabaseValueConvertible>(_ column: String, as type: Value.Type = Value.self) throws -> Value {
        guard let value = try find(column, as: type) else { throw StorageError.damaged("column \(column) is empty") }
        return value
    }

    /// A column's value, or nil for NULL.
    func find<Value: DatabaseValueConvertible>(_ column: String, as type: Value.Type = Value.self) throws -> Value? {
        let stored: DatabaseValue? = self[column]
        guard let stored, !stored.isNull else { return nil }
        guard let value = Value.fromDatabaseValue(stored) else {
            throw StorageError.damaged("column \(column) holds another type")
        }
        return value
    }

    /// A length of time that a column has in milliseconds, in seconds; nil for NULL.
    func seconds(_ column: String) throws -> TimeInterval? {
        try find(column, as: Int64.self).map { Double($0) / 1000 }
    }

    func date(_ column: String) throws -> Date { Date(milliseconds: try get(column)) }

    func id<ID: Identifier>(_ column: String, as type: ID.Type = ID.self) throws -> ID {
        ID(rawValue: try get(column))
    }

    /// A case of an enumeration that the column's CHECK keeps to.
    func choice<Choice: RawRepresentable<String>>(_ column: String) throws -> Choice {
        guard let choice = Choice(rawValue: try get(column)) else {
            throw StorageError.damaged("column \(column) holds an unknown word")
        }
        return choice
    }

    func json<Value: Decodable>(_ column: String, as type: Value.Type = Value.self) throws -> Value {
        let text: String = try get(column)
        do {
            return try JSONDecoder().decode(type, from: Data(text.utf8))
        } catch {
            throw StorageError.damaged("column \(column) holds other JSON: \(error)")
        }
    }

    /// Text that may hold U+0000, selected as `CAST(… AS BLOB)`: GRDB reads and binds text as C strings, which end
    /// there.
    func text(_ column: String) throws -> String {
        String(decoding: try get(column, as: Data.self), as: UTF8.self)
    }

    /// The ids of an edition's chunks, or of what is left of them.
    func chunks() throws -> ClosedRange<Int64> {
        let (first, last) = (try get("first_chunk", as: Int64.self), try get("last_chunk", as: Int64.self))
        guard 0 < first, first <= last else { throw StorageError.damaged("the chunks of an edition are no range") }
        return first...last
    }

    /// A range from two columns.
    func range(_ start: String, _ end: String) throws -> Range<Int> {
        let (lower, upper) = (try get(start, as: Int.self), try get(end, as: Int.self))
        guard lower <= upper else { throw StorageError.damaged("columns \(start) and \(end) are no range") }
        return lower..<upper
    }
}

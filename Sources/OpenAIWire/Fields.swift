package import FoundationEssentials
package import Knowledge

/// The fields of a JSON object from a client, read one by one: each with its type, its range and its path.
///
/// Fields that nobody reads are ignored, as OpenAI's API does. `null` counts as absent. Every failure is a
/// `RequestError` whose parameter is the JSON path, such as `messages[0].role`.
package struct Fields: Sendable {
    package let values: [String: JSONValue]
    /// Path of this object within the request, empty for the body itself.
    package let path: String

    package init(_ values: [String: JSONValue], path: String = "") {
        self.values = values
        self.path = path
    }

    /// Parses a request body that must be a JSON object.
    package init(json: Data) throws {
        let value: JSONValue
        do {
            value = try JSONValue(json: json)
        } catch {
            throw RequestError.malformed("The body is not valid JSON: \(error.reason) at byte \(error.offset).")
        }
        guard let object = value.object else { throw RequestError.malformed("The body must be a JSON object.") }
        self.init(object)
    }

    /// The path of one of this object's fields.
    package func path(of key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

    /// The raw value, nil where it is absent or `null`.
    package subscript(_ key: String) -> JSONValue? {
        guard let value = values[key], value != .null else { return nil }
        return value
    }

    package func string(_ key: String, maxLength: Int = 1_048_576) throws -> String? {
        guard let value = self[key] else { return nil }
        guard let string = value.string else { throw wrongType(key, "a string") }
        guard string.utf8.count <= maxLength else {
            throw invalid(key, "must be at most \(maxLength) bytes long")
        }
        return string
    }

    package func requiredString(_ key: String, maxLength: Int = 1_048_576) throws -> String {
        guard let string = try string(key, maxLength: maxLength) else { throw missing(key) }
        return string
    }

    package func bool(_ key: String) throws -> Bool? {
        guard let value = self[key] else { return nil }
        guard case .bool(let bool) = value else { throw wrongType(key, "a boolean") }
        return bool
    }

    package func integer(_ key: String, in range: ClosedRange<Int>) throws -> Int? {
        guard let value = self[key] else { return nil }
        guard let integer = value.integer else { throw wrongType(key, "an integer") }
        guard range.contains(integer) else {
            throw invalid(key, "must be between \(range.lowerBound) and \(range.upperBound)")
        }
        return integer
    }

    package func number(_ key: String, in range: ClosedRange<Double>) throws -> Double? {
        guard let value = self[key] else { return nil }
        guard let number = value.double else { throw wrongType(key, "a number") }
        guard range.contains(number) else {
            throw invalid(key, "must be between \(range.lowerBound.formatted) and \(range.upperBound.formatted)")
        }
        return number
    }

    package func array(_ key: String, maxCount: Int) throws -> [JSONValue]? {
        guard let value = self[key] else { return nil }
        guard let array = value.array else { throw wrongType(key, "an array") }
        guard array.count <= maxCount else { throw invalid(key, "must have at most \(maxCount) elements") }
        return array
    }

    package func strings(_ key: String, maxCount: Int, maxLength: Int = 1_048_576) throws -> [String]? {
        try array(key, maxCount: maxCount)?.enumerated().map { position, element in
            guard let string = element.string else {
                throw RequestError.wrongType(parameter: "\(path(of: key))[\(position)]", expected: "a string")
            }
            guard string.utf8.count <= maxLength else {
                throw RequestError.invalid(
                    parameter: "\(path(of: key))[\(position)]", message: "must be at most \(maxLength) bytes long")
            }
            return string
        }
    }

    package func object(_ key: String) throws -> Fields? {
        guard let value = self[key] else { return nil }
        guard let object = value.object else { throw wrongType(key, "an object") }
        return Fields(object, path: path(of: key))
    }

    package func objects(_ key: String, maxCount: Int) throws -> [Fields]? {
        try array(key, maxCount: maxCount)?.enumerated().map { position, element in
            let place = "\(path(of: key))[\(position)]"
            guard let object = element.object else { throw RequestError.wrongType(parameter: place, expected: "an object") }
            return Fields(object, path: place)
        }
    }

    /// One of an enum's raw values.
    package func choice<Choice>(_ key: String, of type: Choice.Type = Choice.self) throws -> Choice?
    where Choice: RawRepresentable & CaseIterable, Choice.RawValue == String {
        guard let name = try string(key) else { return nil }
        guard let choice = Choice(rawValue: name) else {
            throw invalid(key, "must be one of: \(Choice.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        return choice
    }

    package func missing(_ key: String) -> RequestError { .missing(parameter: path(of: key)) }

    package func invalid(_ key: String, _ message: String) -> RequestError {
        .invalid(parameter: path(of: key), message: message)
    }

    package func wrongType(_ key: String, _ expected: String) -> RequestError {
        .wrongType(parameter: path(of: key), expected: expected)
    }
}

extension Double {
    /// Without a fraction where it has none.
    fileprivate var formatted: String { self == rounded() ? "\(Int(self))" : "\(self)" }
}

import Foundation
import Testing

@testable import Knowledge

@Suite("Reading and writing JSON")
struct JSONParserTests {
    private func parse(_ text: String) throws -> JSONValue { try JSONValue(json: Data(text.utf8)) }

    @Test(
        "gives the value, numbers with and without a fraction apart",
        arguments: [
            ("null", .null), (" true ", true), ("-12", -12), ("0", 0), ("1.5e2", 150.0), ("-0.25", -0.25), ("1E-2", 0.01),
            ("9223372036854775807", .integer(.max)), ("9223372036854775808", 9_223_372_036_854_775_808.0),
            (#""""#, ""), (#""a\"\\\/\b\f\n\r\t""#, "a\"\\/\u{8}\u{C}\n\r\t"), (#""\u00e9\ud83c\udf0a""#, "é🌊"),
            ("[]", []), ("[1,[2], {}]", [1, [2], [:]]), (#"{"a":{"b":[]},"c":null}"#, ["a": ["b": []], "c": .null]),
            (#"{"a":1,"a":2}"#, ["a": 2]), ("\"Größe\"", "Größe"), ("\u{FEFF}1", 1),
        ] as [(String, JSONValue)])
    func values(_ text: String, _ value: JSONValue) throws {
        #expect(try parse(text) == value)
    }

    @Test(
        "refuses what is no JSON",
        arguments: [
            "", " ", "nul", "tru", "[", "[1", "[1,", "[1,]", "{", "{\"a\"", "{\"a\":", "{\"a\":1,", "{a:1}", "01", "1.", ".5",
            "1e", "+1", "1e999", "-", "\"", "\"\\", "\"\\x\"", "\"\\u12\"", "\"\\u+123\"", "\"\\ud800\"", "\"\\ud800\\u0041\"",
            "\"\u{1}\"", "1 2", "[1]]", "NaN", "'a'", "// x\n1",
        ])
    func refused(_ text: String) {
        #expect(throws: JSONSyntaxError.self) { try parse(text) }
    }

    @Test("refuses bytes that are not UTF-8, and nesting beyond the limit")
    func limits() throws {
        #expect(throws: JSONSyntaxError.self) { try JSONValue(json: Data([0x22, 0xFF, 0x22])) }
        func nested(_ depth: Int) -> String { String(repeating: "[", count: depth) + String(repeating: "]", count: depth) }
        _ = try parse(nested(JSONValue.maxDepth))
        #expect(throws: JSONSyntaxError.self) { try parse(nested(JSONValue.maxDepth + 1)) }
        #expect(throws: JSONSyntaxError.self) { try parse(String(repeating: "[", count: 1_000_000)) }
    }

    @Test("reads back what is encoded, by Codable or by itself", arguments: 1...20)
    func roundTrip(_ seed: UInt64) throws {
        var generator = SplitMix(state: seed)
        let value = JSONValue.array((0..<20).map { _ in Self.random(depth: 5, &generator) })
        #expect(try JSONValue(json: JSONEncoder().encode(value)) == value)
        #expect(try JSONValue(json: value.json()) == value)
    }

    @Test("writes what Codable writes, byte for byte", arguments: [
        .null, true, false, 0, -12, .integer(.max), .integer(.min), 0.5, 1.0, -0.0, 150.0, 1e-7, 1e21, 1e300, 0.1, 123_456.789,
        5e-324, "", "a\"\\/b", .string(String((0..<0x30).map { Character(Unicode.Scalar($0)) })), "é中🌊\u{7F}\u{2028}", [], [:],
        [[], [:], [1, [2, [3.25]]]], ["b": 1, "a": ["c": .null], "B": [], "a1": "x", "_": false],
    ] as [JSONValue])
    func writes(_ value: JSONValue) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        #expect(try String(decoding: value.json(), as: UTF8.self) == String(decoding: encoder.encode(value), as: UTF8.self))
    }

    @Test("writes no number that JSON does not have", arguments: [Double.nan, .infinity, -.infinity])
    func writesNoOther(_ number: Double) {
        #expect(throws: JSONNumberError.self) { try JSONValue.array([.number(number)]).json() }
    }

    private struct SplitMix: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
    }

    private static func random(depth: Int, _ generator: inout SplitMix) -> JSONValue {
        let scalars: [Unicode.Scalar] = ["a", "\"", "\\", "\n", "é", "中", "🌊", "\u{7F}", "/", "\u{0}"]
        func text(_ generator: inout SplitMix) -> String {
            (0..<Int.random(in: 0...6, using: &generator)).reduce(into: "") { text, _ in
                text.unicodeScalars.append(scalars.randomElement(using: &generator) ?? "a")
            }
        }
        switch Int.random(in: 0...(depth > 0 ? 6 : 4), using: &generator) {
        case 0: return .null
        case 1: return .bool(Bool.random(using: &generator))
        case 2: return .integer(Int.random(in: .min ... .max, using: &generator))
        case 3: return .number(Double.random(in: -1e6...1e6, using: &generator))
        case 4: return .string(text(&generator))
        case 5: return .array((0..<3).map { _ in random(depth: depth - 1, &generator) })
        default:
            let pairs = (0..<3).map { _ in (text(&generator), random(depth: depth - 1, &generator)) }
            return .object(Dictionary(pairs) { _, last in last })
        }
    }
}

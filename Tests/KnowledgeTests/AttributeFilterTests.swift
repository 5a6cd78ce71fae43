import Testing

@testable import Knowledge

@Suite("An attribute filter")
struct AttributeFilterTests {
    private static let attributes: [String: JSONValue] = ["lang": "de", "year": 2024, "draft": false, "weight": 1.5]

    @Test(
        "compares values of one kind and takes no other for equal",
        arguments: [
            ("lang", .equal, "de", true),
            ("lang", .notEqual, "en", true), ("lang", .greater, "da", true), ("lang", .less, "de", false),
            ("year", .equal, 2024.0, true), ("year", .equal, "2024", false), ("year", .greaterOrEqual, 2024, true),
            ("year", .less, 2025, true), ("weight", .lessOrEqual, 1, false), ("draft", .equal, false, true),
            ("draft", .greater, false, false), ("missing", .equal, 1, false), ("missing", .notEqual, 1, true),
            ("lang", .oneOf, ["en", "de"], true), ("lang", .noneOf, ["en", "de"], false),
            ("missing", .noneOf, ["en"], true), ("missing", .oneOf, ["en"], false),
        ] as [(String, AttributeFilter.Comparison, JSONValue, Bool)])
    func comparisons(_ key: String, _ comparison: AttributeFilter.Comparison, _ value: JSONValue, _ holds: Bool) {
        #expect(AttributeFilter.compare(key, comparison, value).matches(Self.attributes) == holds)
    }

    @Test("joins conditions by all and any, to any depth")
    func compound() {
        let german = AttributeFilter.compare("lang", .equal, "de")
        let old = AttributeFilter.compare("year", .less, 2000)
        #expect(AttributeFilter.any([old, .all([german, .any([german])])]).matches(Self.attributes))
        #expect(!AttributeFilter.all([old, german]).matches(Self.attributes))
        #expect(AttributeFilter.all([]).matches([:]))
        #expect(!AttributeFilter.any([]).matches([:]))
    }
}

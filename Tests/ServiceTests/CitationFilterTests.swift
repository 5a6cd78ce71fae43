import Testing

@testable import Service

@Suite("Citation markers")
struct CitationFilterTests {
    /// What comes through when the text arrives in pieces of one length.
    private func filtered(_ text: String, references: Int?, pieces length: Int = .max) -> (String, CitationFilter) {
        var filter = CitationFilter(referenceCount: references)
        var output = ""
        var rest = text[...]
        while !rest.isEmpty {
            output += filter.push(String(rest.prefix(length)))
            rest = rest.dropFirst(length)
        }
        return (output + filter.finish(), filter)
    }

    @Test(
        "are kept where they name a reference and taken out where they name none",
        arguments: [
            ("Built in 1871 [1].", "Built in 1871 [1].", 0), ("Sold [7]. Bought [2].", "Sold. Bought [2].", 1),
            ("Both [1, 3] of them", "Both [1][3] of them", 0), ("Some [1, 9] of them", "Some [1] of them", 1),
            ("[0] and [4]", " and", 2), ("See [the log] and [1x]", "See [the log] and [1x]", 0),
            ("An open [1", "An open [1", 0), ("`list[9]` stays [9]", "`list[9]` stays", 1),
            ("```\na[9]\n```\n[9]", "```\na[9]\n```\n", 1), ("Press ` once\nand [9] go", "Press ` once\nand go", 1),
            ("[[1]]", "[[1]]", 0), ("Ends with a space ", "Ends with a space ", 0), ("Héllo 🌊 [2]", "Héllo 🌊 [2]", 0),
            ("[12345678901234567890123456]", "[12345678901234567890123456]", 0), ("[]", "[]", 0),
        ])
    func markers(_ text: String, _ expected: String, _ removed: Int) {
        let (output, filter) = filtered(text, references: 3)
        #expect(output == expected)
        #expect(filter.removed == removed)
    }

    @Test("come out the same however the text is cut", arguments: 1...9)
    func anyPieces(_ length: Int) {
        let text = "The lamp [1] shows three flashes [99], see [1, 2] and `a[0]` or [x]. Tail [3] [ 2 ] [1"
        let (whole, filter) = filtered(text, references: 3)
        let (pieces, other) = filtered(text, references: 3, pieces: length)
        #expect(whole == pieces)
        #expect(filter.citations == other.citations)
        #expect(filter.removed == other.removed)
    }

    @Test("are reported with their places in the text that comes through, in code points")
    func positions() {
        let (output, filter) = filtered("Größe 🌊 [9] [1] und [2, 3].", references: 3)
        let scalars = Array(output.unicodeScalars)
        for citation in filter.citations {
            let marker = Array("[\(citation.reference)]".unicodeScalars)
            #expect(Array(scalars[citation.position..<citation.position + marker.count]) == marker)
        }
        #expect(filter.citations.map(\.reference) == [1, 2, 3])
    }

    @Test("are nothing special where nothing was searched")
    func untouched() {
        #expect(filtered("Take [1] and [99].", references: nil).0 == "Take [1] and [99].")
    }
}

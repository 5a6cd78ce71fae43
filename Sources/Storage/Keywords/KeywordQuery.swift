import Knowledge

/// What a query asks the keyword index for. Any text is a query; nothing in it is syntax but double quotes.
struct KeywordQuery {
    struct Term: Hashable {
        /// Keys that stand one behind the other; one, but for words in quotes.
        var keys: [[UInt8]]
        /// The word itself, where it is one that may be made of others.
        var word: [UInt8]?
        /// 1 in the query's own text, less in its background.
        var weight = 1.0

        static func == (one: Term, other: Term) -> Bool { one.keys == other.keys }
        func hash(into hasher: inout Hasher) { hasher.combine(keys) }
    }

    /// No more than this many count.
    static let mostTerms = 32
    /// Of a longer text, this many different words are looked up to find the rarest.
    static let mostCandidates = 256

    /// Each term once, in the order in which they come. May be more than `mostTerms`.
    private(set) var terms: [Term] = []
    /// Whether it has more English stop words than German ones. English has hardly any compounds.
    private(set) var isEnglish = false

    init(_ query: SearchQuery, stemmer: Stemmer) {
        self.init(query.text, stemmer: stemmer)
        var found = Set(terms)
        for background in query.background.sorted(by: { $0.words > $1.words }) where background.words > 0 {
            for var term in Self(background.text, stemmer: stemmer).terms where found.insert(term).inserted {
                term.weight = background.words
                // Parts and wholes of compounds would carry too far from the question.
                term.word = nil
                terms.append(term)
            }
        }
    }

    init(_ text: String, stemmer: Stemmer) {
        var found: Set<Term> = []
        var words: [(term: Term, isStopWord: Bool)] = []
        var englishness = 0
        WordScanner.scan(text) { piece, bytes in
            guard piece != .last, words.count < Self.mostCandidates else { return }
            let term = piece == .word ? Term(keys: [stemmer.key(of: bytes)], word: bytes) : Term(keys: [bytes])
            let language = piece == .word ? StopWords.language(of: bytes) : nil
            if language == .english { englishness += 1 } else if language == .german { englishness -= 1 }
            if found.insert(term).inserted { words.append((term, language != nil)) }
        }
        isEnglish = englishness > 0
        let others = words.filter { !$0.isStopWord }
        terms = (others.isEmpty ? words : others).map(\.term)
        for quotation in Self.quotations(in: text) {
            let term = Self.phrase(quotation, stemmer: stemmer)
            if term.keys.count > 1, found.insert(term).inserted { terms.append(term) }
        }
    }

    private static func phrase(_ text: Substring, stemmer: Stemmer) -> Term {
        var keys: [[UInt8]] = []
        WordScanner.scan(String(text)) { piece, bytes in
            if keys.count < mostTerms { keys.append(piece == .word ? stemmer.key(of: bytes) : bytes) }
        }
        return Term(keys: keys)
    }

    /// What stands between double quotes, typographic ones included; four at most.
    private static func quotations(in text: String) -> [Substring] {
        var quotations: [Substring] = []
        var start: String.Index?
        let scalars = text.unicodeScalars
        for index in scalars.indices where isQuote(scalars[index]) {
            if let opened = start {
                if quotations.count < 4 { quotations.append(text[opened..<index]) }
                start = nil
            } else {
                start = scalars.index(after: index)
            }
        }
        return quotations
    }

    private static func isQuote(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x22, 0xAB, 0xBB, 0x201C, 0x201D, 0x201E: true
        default: false
        }
    }
}

/// A term in a knowledge base's own keys, as FTS5's MATCH takes it.
struct KeywordPhrase: Hashable {
    /// Quoted whole; keys have letters, digits and a few signs, and a quote would be doubled.
    var expression: String

    init(_ keys: [[UInt8]], in base: KeywordBase) {
        var bytes: [UInt8] = [UInt8(ascii: "\"")]
        let prefix = base.prefix
        for key in keys {
            if bytes.count > 1 { bytes.append(UInt8(ascii: " ")) }
            bytes += prefix
            for byte in key { bytes += byte == UInt8(ascii: "\"") ? [byte, byte] : [byte] }
        }
        bytes.append(UInt8(ascii: "\""))
        expression = String(decoding: bytes, as: UTF8.self)
    }
}

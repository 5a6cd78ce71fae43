import GRDB
import Knowledge

/// A chunk as the keyword index holds it: the keys of its words, written so that FTS5 has nothing left to decide.
///
/// Each key begins with the number of its knowledge base, `1z:frist`. The same chunk always gives the same text, which
/// is how FTS5 finds what is to be removed.
struct KeywordText: Hashable {
    /// Rises with every change to the keys that a text gets; an index of another version is made anew.
    static let version = 1

    /// Keys of the line of title and headings, with spaces between.
    var context: String
    var body: String
    /// Long words backwards, if the text is German.
    var endings: String
    /// Words in context and body that are no stop words, not counting an identifier beside its parts.
    var words: Int

    /// - Parameter stemmer: Kept from chunk to chunk, since it remembers words.
    init(context: String, body: String, base: KeywordBase, stemmer: Stemmer) {
        var keys = KeyWriter(base: base, stemmer: stemmer)
        self.context = keys.keys(of: context)
        self.body = keys.keys(of: body)
        words = keys.words
        endings = keys.endings
    }
}

/// Which knowledge base a key belongs to.
struct KeywordBase: Hashable {
    var number: Int64

    /// What its keys begin with.
    var prefix: [UInt8] { Array("\(String(number, radix: 36)):".utf8) }
}

/// Writes keys behind one another.
private struct KeyWriter {
    private let prefix: [UInt8]
    private let stemmer: Stemmer
    private(set) var words = 0
    /// German stop words less English ones.
    private var germanness = 0
    private var long: Set<[UInt8]> = []

    init(base: KeywordBase, stemmer: Stemmer) {
        prefix = base.prefix
        self.stemmer = stemmer
    }

    mutating func keys(of text: String) -> String {
        var result: [UInt8] = []
        var (words, germanness) = (0, 0)
        var long: Set<[UInt8]> = []
        WordScanner.scan(text) { piece, bytes in
            let key = piece == .word ? stemmer.key(of: bytes) : bytes
            switch piece {
            case .word:
                switch StopWords.language(of: bytes) {
                case .german: germanness += 1
                case .english: germanness -= 1
                case .both: break
                case nil: words += 1
                }
                if Compounds.mayBeCompound(key) { long.insert(key) }
            case .pair: words += 1
            case .last, .whole: break
            }
            result += prefix
            result += key
            result.append(UInt8(ascii: " "))
        }
        self.words += words
        self.germanness += germanness
        self.long.formUnion(long)
        return String(decoding: result, as: UTF8.self)
    }

    /// In order, so that the same chunk gives the same text.
    var endings: String {
        // Names such as "der" and words such as "war" stand in English texts as well.
        guard germanness > 1 else { return "" }
        var result: [UInt8] = []
        for key in long.map({ $0.reversed() }).sorted(by: { $0.lexicographicallyPrecedes($1) }) {
            result += prefix
            result += key
            result.append(UInt8(ascii: " "))
        }
        return String(decoding: result, as: UTF8.self)
    }
}

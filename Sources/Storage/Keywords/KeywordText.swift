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
    /// Long words backwards.
    var endings: String
    /// Words in context and body, not counting an identifier beside its parts.
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
    private var long: Set<[UInt8]> = []

    init(base: KeywordBase, stemmer: Stemmer) {
        prefix = base.prefix
        self.stemmer = stemmer
    }

    mutating func keys(of text: String) -> String {
        var result: [UInt8] = []
        var words = 0
        var long: Set<[UInt8]> = []
        WordScanner.scan(text) { piece, bytes in
            let key = piece == .word ? stemmer.key(of: bytes) : bytes
            switch piece {
            case .word:
                words += 1
                if Compounds.mayBeCompound(key) { long.insert(key) }
            case .pair: words += 1
            case .last, .whole: break
            }
            result += prefix
            result += key
            result.append(UInt8(ascii: " "))
        }
        self.words += words
        self.long.formUnion(long)
        return String(decoding: result, as: UTF8.self)
    }

    /// In order, so that the same chunk gives the same text.
    var endings: String {
        var result: [UInt8] = []
        for key in long.map({ $0.reversed() }).sorted(by: { $0.lexicographicallyPrecedes($1) }) {
            result += prefix
            result += key
            result.append(UInt8(ascii: " "))
        }
        return String(decoding: result, as: UTF8.self)
    }
}

/// Long words that are made of others, as German has them.
enum Compounds {
    /// Letters that a part has at least.
    static let shortestPart = 4

    /// Whether a word's key is long enough to have two parts, and of Latin letters alone.
    static func mayBeCompound(_ key: [UInt8]) -> Bool {
        key.count >= 2 * shortestPart && key.allSatisfy { (0x61...0x7A).contains($0) }
    }
}

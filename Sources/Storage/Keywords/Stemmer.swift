import CStemmer

/// The key under which a word is found: what is left of it without English and German endings, accents and umlauts.
///
/// Both of Snowball's stemmers in turn (Porter 2001, snowballstem.org), whatever the language: a word has one key,
/// texts need no language, and on English and German sets it finds as much as the right stemmer alone. German umlauts
/// may be written as ae, oe and ue. Not for two threads at once.
final class Stemmer {
    private let english: OpaquePointer
    private let german: OpaquePointer
    /// Keys of words seen; a text repeats most of its words.
    private var keys: [[UInt8]: [UInt8]] = [:]

    init() {
        guard let english = sb_stemmer_new("english", "UTF_8"), let german = sb_stemmer_new("german", "UTF_8") else {
            preconditionFailure("libstemmer was built without English or German")
        }
        self.english = english
        self.german = german
    }

    deinit {
        sb_stemmer_delete(english)
        sb_stemmer_delete(german)
    }

    /// Stems of at most this many bytes are left as they are.
    private static let shortest = 3

    func key(of word: [UInt8]) -> [UInt8] {
        if let key = keys[word] { return key }
        let key = makeKey(of: word)
        if keys.count == 65536 { keys.removeAll(keepingCapacity: true) }
        keys[word] = key
        return key
    }

    private func makeKey(of word: [UInt8]) -> [UInt8] {
        // Numbers and names with numbers have no endings; stems shorter than this say nothing.
        guard word.count > 2, !word.contains(where: { (0x30...0x39).contains($0) }) else { return Self.plain(word) }
        let stem = Self.withUmlauts(stem(word, english))
        // Too short to have a German ending.
        return Self.plain(stem.count > Self.shortest ? self.stem(stem, german) : stem)
    }

    private func stem(_ word: [UInt8], _ stemmer: OpaquePointer) -> [UInt8] {
        // Nil only where memory ran out; the word itself is a key as well.
        guard let stem = sb_stemmer_stem(stemmer, word, Int32(word.count)) else { return word }
        return Array(UnsafeBufferPointer(start: stem, count: Int(sb_stemmer_length(stemmer))))
    }

    /// Reads ae, oe and ue as umlauts, but for the ue of neue, Steuer and Quelle.
    private static func withUmlauts(_ word: [UInt8]) -> [UInt8] {
        guard word.contains(UInt8(ascii: "e")) else { return word }
        var result: [UInt8] = []
        result.reserveCapacity(word.count + 4)
        for byte in word {
            if byte == UInt8(ascii: "e"), let last = result.last {
                let umlaut: UInt8? =
                    switch last {
                    case UInt8(ascii: "a"): 0xA4
                    case UInt8(ascii: "o"): 0xB6
                    case UInt8(ascii: "u") where !result.dropLast().hasSuffix(of: "aeiouyq"): 0xBC
                    default: nil
                    }
                if let umlaut {
                    result[result.count - 1] = 0xC3
                    result.append(umlaut)
                    continue
                }
            }
            result.append(byte)
        }
        return result
    }

    /// With a, o and u for the umlauts.
    private static func plain(_ word: [UInt8]) -> [UInt8] {
        guard word.contains(0xC3) else { return word }
        var result: [UInt8] = []
        for byte in word {
            guard result.last == 0xC3, let letter = vowels[byte] else {
                result.append(byte)
                continue
            }
            result[result.count - 1] = letter
        }
        return result
    }

    private static let vowels: [UInt8: UInt8] = [
        0xA4: UInt8(ascii: "a"), 0xB6: UInt8(ascii: "o"), 0xBC: UInt8(ascii: "u"),
    ]
}

extension ArraySlice<UInt8> {
    fileprivate func hasSuffix(of letters: StaticString) -> Bool {
        guard let last else { return false }
        return letters.withUTF8Buffer { $0.contains(last) }
    }
}

import CKernels

/// What BERT's normaliser does, apart from cleaning: the fields of Hugging Face's `BertNormalizer`.
struct WordRules: Hashable, Sendable {
    var lowercases = true
    var stripsAccents = true
    /// Whether every Chinese character is a word.
    var isolatesIdeographs = true
}

/// Reads UTF-8 once and yields BERT's words: normalised by its rules, punctuation set apart.
///
/// The same words as Hugging Face's `BertNormalizer` and `BertPreTokenizer` give: clean text, spaces around ideographs,
/// NFD, drop non-spacing marks, lower-case scalar by scalar, split at white space and punctuation. What each code point
/// becomes stands in a table made from their library (see `kern_unicode_value`); what remains to do here is the
/// canonical order of the marks that are kept, and cutting.
struct WordScanner {
    /// Longer words are unknown whatever they are, so that only this many scalars are kept.
    static let maxScalars = 100
    static let bufferSize = (maxScalars + 1) * 4

    private let text: UnsafeBufferPointer<UInt8>
    private let word: UnsafeMutablePointer<UInt8>
    private let table: kern_unicode_table
    private let isolatesIdeographs: Bool
    private var position = 0
    /// The next element of a replacement that is not used up.
    private var mapIndex: UInt32?
    /// Punctuation or an ideograph that ended the last word and is the next.
    private var held: UInt32?
    /// Combining classes of the marks at the end of the word, in order.
    private var run: [UInt8] = []
    /// Bytes of the word; meaningless if it is too long.
    private(set) var length = 0
    /// Scalars of the word, counted on where they are no longer kept.
    private(set) var scalars = 0
    /// Whether white space stands between the word and the one before it.
    private(set) var followsSpace = false
    private var endedAtSpace = false

    /// - Parameters:
    ///   - text: Valid UTF-8.
    ///   - word: `bufferSize` bytes. Both must outlive the scanner.
    init(_ text: UnsafeBufferPointer<UInt8>, rules: WordRules, word: UnsafeMutablePointer<UInt8>) {
        self.text = text
        self.word = word
        table = kern_unicode_table_for(rules.lowercases, rules.stripsAccents)
        isolatesIdeographs = rules.isolatesIdeographs
    }

    /// Whether there was another word, which then stands in the first `length` bytes of the buffer.
    mutating func next() -> Bool {
        length = 0
        scalars = 0
        followsSpace = endedAtSpace
        endedAtSpace = false
        if !run.isEmpty { run.removeAll(keepingCapacity: true) }
        if let scalar = held {
            held = nil
            append(scalar)
            return true
        }
        while true {
            if let index = mapIndex {
                if replace(kern_unicode_map(index), at: index) { return true }
                continue
            }
            guard position < text.count else { return scalars > 0 }
            let (scalar, length) = UTF8Bytes.scalar(text, at: position)
            position += length
            if consume(scalar) { return true }
        }
    }

    /// Takes a scalar of the text in. Returns whether the word has ended.
    private mutating func consume(_ scalar: UInt32) -> Bool {
        let value = kern_unicode_value(table, scalar)
        switch Int(value) {
        case kern_unicode_keep: append(scalar)
        case kern_unicode_drop: break
        case kern_unicode_space:
            if scalars > 0 { endedAtSpace = true } else { followsSpace = true }
            return endedAtSpace
        case kern_unicode_block: run.removeAll(keepingCapacity: true)
        case kern_unicode_punctuation: return isolate(scalar)
        case kern_unicode_ideograph:
            if isolatesIdeographs { return isolate(scalar) }
            append(scalar)
        case kern_unicode_hangul: appendJamo(of: scalar)
        default: mapIndex = value - UInt32(kern_unicode_first_map)
        }
        return false
    }

    /// Takes an element of a replacement in. Returns whether the word has ended.
    private mutating func replace(_ element: UInt32, at index: UInt32) -> Bool {
        mapIndex = element & kern_unicode_map_last == 0 ? index + 1 : nil
        let scalar = element & kern_unicode_map_scalar
        let isolated = kern_unicode_map_punctuation | (isolatesIdeographs ? kern_unicode_map_ideograph : 0)
        if element & isolated != 0 { return isolate(scalar) }
        append(scalar, combiningClass: UInt8(truncatingIfNeeded: element >> kern_unicode_map_class_shift))
        return false
    }

    /// Makes the scalar a word of its own: this one if nothing came before it, else the next. Always ends a word.
    private mutating func isolate(_ scalar: UInt32) -> Bool {
        if scalars > 0 {
            held = scalar
        } else {
            append(scalar)
        }
        return true
    }

    /// L and V, and T if there is one (The Unicode Standard, 3.12).
    private mutating func appendJamo(of syllable: UInt32) {
        let index = syllable - 0xAC00
        append(0x1100 + index / 588)
        append(0x1161 + index % 588 / 28)
        if index % 28 != 0 { append(0x11A7 + index % 28) }
    }

    private mutating func append(_ scalar: UInt32) {
        if !run.isEmpty { run.removeAll(keepingCapacity: true) }
        scalars += 1
        guard scalars <= Self.maxScalars else { return }
        length += encode(scalar, at: length)
    }

    /// Appends a scalar that canonical order may move before marks of a higher class.
    private mutating func append(_ scalar: UInt32, combiningClass: UInt8) {
        guard combiningClass > 0, scalars < Self.maxScalars else { return append(scalar) }
        scalars += 1
        var place = length
        var index = run.count
        while index > 0, run[index - 1] > combiningClass {
            repeat { place -= 1 } while word[place] & 0xC0 == 0x80
            index -= 1
        }
        run.insert(combiningClass, at: index)
        let size = scalar < 0x80 ? 1 : scalar < 0x800 ? 2 : scalar < 0x10000 ? 3 : 4
        (word + place + size).update(from: word + place, count: length - place)
        length += encode(scalar, at: place)
    }

    /// Writes UTF-8. Returns how many bytes.
    private func encode(_ scalar: UInt32, at place: Int) -> Int {
        func tail(_ shift: UInt32) -> UInt8 { 0x80 | UInt8(truncatingIfNeeded: scalar >> shift & 0x3F) }
        if scalar < 0x80 {
            word[place] = UInt8(truncatingIfNeeded: scalar)
            return 1
        }
        if scalar < 0x800 {
            word[place] = 0xC0 | UInt8(truncatingIfNeeded: scalar >> 6)
            word[place + 1] = tail(0)
            return 2
        }
        if scalar < 0x10000 {
            word[place] = 0xE0 | UInt8(truncatingIfNeeded: scalar >> 12)
            word[place + 1] = tail(6)
            word[place + 2] = tail(0)
            return 3
        }
        word[place] = 0xF0 | UInt8(truncatingIfNeeded: scalar >> 18)
        word[place + 1] = tail(12)
        word[place + 2] = tail(6)
        word[place + 3] = tail(0)
        return 4
    }
}

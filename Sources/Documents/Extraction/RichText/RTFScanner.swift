/// Follows the groups of a Rich Text document and hands its text to a page of paragraphs.
struct RTFScanner {
    /// What the text of a group is for.
    enum Target { case body, nothing, note, listMark, fontTable, styles, title }

    /// What a group inherits and its end restores.
    private struct State {
        var target = Target.body
        /// How many characters after `\u` repeat it for old readers.
        var fallback = 1
        var font: Int?
        var isHidden = false
    }

    private(set) var page = RTFPage()
    private var state = State()
    private var stack: [State] = []
    /// Groups open beyond the depth that is tracked.
    private var untracked = 0
    /// Whether a group has just begun, perhaps with `\*`.
    private var isAtStart = false
    private var isOptional = false
    /// Characters still to be skipped behind `\u`.
    private var toSkip = 0
    private var highSurrogate: UInt32?
    /// Bytes of the current code page.
    private var pending: [UInt8] = []
    private var codePage = "windows-1252"
    private var fonts: [Int: String] = [:]
    private var describedFont: Int?

    private static let maxDepth = 4096
    private static let maxFonts = 10_000

    mutating func read(_ data: [UInt8]) {
        var tokens = RTFTokens(data)
        while let token = tokens.next() {
            let wasAtStart = isAtStart
            switch token {
            case .open: open()
            case .close: close()
            case .optional: isOptional = wasAtStart
            case .byte(let byte): take([byte])
            case .text(let text): take(text)
            case .control(let word, let number):
                isAtStart = false
                control(word.string, number, isFirst: wasAtStart)
            }
            if case .optional = token { continue }
            if case .open = token { continue }
            isAtStart = false
            isOptional = false
        }
        flush()
        page.finish()
    }

    // MARK: - Groups

    private mutating func open() {
        flush()
        isAtStart = true
        isOptional = false
        toSkip = 0
        guard stack.count < Self.maxDepth else { return untracked += 1 }
        stack.append(state)
    }

    private mutating func close() {
        flush()
        toSkip = 0
        if untracked > 0 { return untracked -= 1 }
        guard let outer = stack.popLast() else { return }
        if state.target != outer.target { page.end(state.target, within: outer.target) }
        state = outer
    }

    // MARK: - Text

    private mutating func take(_ bytes: some Collection<UInt8>) {
        isAtStart = false
        let kept = bytes.dropFirst(toSkip)
        toSkip = max(0, toSkip - bytes.count)
        guard state.target != .nothing, !state.isHidden, !kept.isEmpty else { return }
        if highSurrogate != nil { flushSurrogate() }
        pending += kept
    }

    /// Decodes what is pending.
    private mutating func flush() {
        flushSurrogate()
        guard !pending.isEmpty else { return }
        let bytes = pending
        pending.removeAll(keepingCapacity: true)
        page.append(decoded(bytes), to: state.target)
    }

    private mutating func flushSurrogate() {
        guard highSurrogate != nil else { return }
        highSurrogate = nil
        page.append(Array("\u{FFFD}".utf8), to: state.target)
    }

    private func decoded(_ bytes: [UInt8]) -> [UInt8] {
        if bytes.allSatisfy({ $0 < 0x80 }) { return bytes }
        let set = state.font.flatMap { fonts[$0] } ?? codePage
        if let text = CharacterSet.decode(bytes, as: set) ?? CharacterSet.decode(bytes, as: codePage) { return text.bytes }
        return Array(String(decoding: bytes, as: UTF8.self).utf8)
    }

    private mutating func append(_ text: String) {
        flush()
        if toSkip > 0 { return toSkip -= 1 }
        guard state.target != .nothing, !state.isHidden else { return }
        page.append(Array(text.utf8), to: state.target)
    }

    private mutating func unicode(_ number: Int) {
        flushPendingOnly()
        toSkip = state.fallback
        guard state.target != .nothing, !state.isHidden else { return }
        // Written as a signed 16-bit number; some programs write the code point itself.
        let code = UInt32(clamping: number < 0 ? number + 0x10000 : number)
        if (0xD800..<0xDC00).contains(code) {
            flushSurrogate()
            highSurrogate = code
        } else if let high = highSurrogate, (0xDC00..<0xE000).contains(code) {
            highSurrogate = nil
            let scalar = Unicode.Scalar(0x10000 + (high - 0xD800) << 10 + (code - 0xDC00)) ?? "\u{FFFD}"
            page.append(Array(String(Character(scalar)).utf8), to: state.target)
        } else {
            flushSurrogate()
            // Symbol fonts have their characters here; a bullet is the usual one.
            let scalar = (0xF000..<0xF100).contains(code) ? "•" : Unicode.Scalar(code) ?? "\u{FFFD}"
            page.append(Array(String(Character(scalar)).utf8), to: state.target)
        }
    }

    private mutating func flushPendingOnly() {
        guard !pending.isEmpty else { return }
        let high = highSurrogate
        highSurrogate = nil
        flush()
        highSurrogate = high
    }

    // MARK: - Control words

    private mutating func control(_ word: String, _ number: Int?, isFirst: Bool) {
        if word == "u", let number { return unicode(number) }
        if let text = Self.characters[word] { return append(text) }
        if isFirst, let target = Self.destinations[word] {
            // Of parts for old and new readers the ones for all come first.
            if state.target != .nothing { state.target = target }
            return
        }
        if isFirst && isOptional && !Self.transparent.contains(word) {
            state.target = .nothing
            return
        }
        switch word {
        case "uc": state.fallback = min(max(0, number ?? 1), 100)
        case "ansicpg": codePage = Self.set(codePage: number ?? 1252)
        case "mac": codePage = "macintosh"
        case "pc": codePage = "cp437"
        case "pca": codePage = "cp850"
        case "v": setHidden(number != 0)
        case "deleted": setHidden(number != 0)
        case "plain":
            flush()
            state.font = nil
            state.isHidden = false
        case "f", "fcharset", "cpg": font(word, number)
        default:
            guard state.target != .nothing else { return }
            if RTFPage.isParagraphWord(word) { flush() }
            page.control(word, number, to: state.target)
        }
    }

    private mutating func setHidden(_ isHidden: Bool) {
        flush()
        state.isHidden = isHidden
    }

    private mutating func font(_ word: String, _ number: Int?) {
        flush()
        guard let number else { return }
        switch (word, state.target) {
        case ("f", .fontTable): describedFont = number
        case ("f", _): state.font = number
        case ("fcharset", .fontTable):
            // 0 is ANSI, 1 the default, 2 symbols: all of them the document's own code page.
            if let font = describedFont, fonts.count < Self.maxFonts { fonts[font] = Self.charsets[number] }
        case ("cpg", .fontTable):
            if let font = describedFont, fonts.count < Self.maxFonts { fonts[font] = Self.set(codePage: number) }
        default: break
        }
    }

    private static func set(codePage: Int) -> String { codePage == 65001 ? "utf-8" : "cp\(codePage)" }
}

extension RTFScanner {
    private static let characters: [String: String] = [
        "tab": "\t", "line": "\n", "lquote": "‘", "rquote": "’", "ldblquote": "“", "rdblquote": "”", "bullet": "•", "endash": "–",
        "emdash": "—", "emspace": " ", "enspace": " ", "qmspace": " ", "~": " ", "softline": "\n", "zwj": "\u{200D}",
        "zwnj": "\u{200C}", "nestcell": " ", "lbr": "\n",
    ]

    /// Groups whose text is not that of the document around them.
    private static let destinations: [String: Target] = {
        let skipped = """
            colortbl info pict objdata header footer headerl headerr headerf footerl footerr footerf fldinst xe tc rxe bkmkstart \
            bkmkend listtable listoverridetable revtbl rsidtbl generator themedata colorschememapping datastore latentstyles \
            filetbl nonshppict sp pgptbl mmath oldcprops atnid atnauthor atntime atnref atndate ftnsep ftnsepc ftncn aftnsep \
            aftnsepc aftncn ud xmlnstbl private pnseclvl docvar userprops template fchars lchars passwordhash formfield \
            datafield objclass objname wgrffmtfilter blipuid shprslt falt panose fontemb keycode subject author operator company \
            manager category comment doccomm keywords hlinkbase
            """
        var table: [String: Target] = [
            "fonttbl": .fontTable, "stylesheet": .styles, "footnote": .note, "annotation": .note, "listtext": .listMark,
            "pntext": .listMark, "title": .title,
        ]
        for word in skipped.split(separator: " ") where word != "info" { table[String(word)] = .nothing }
        return table
    }()

    /// Optional groups that hold text of the document.
    private static let transparent: Set<String> = ["shpinst", "shptxt", "fldrslt", "cs", "nesttableprops", "info", "pn"]

    /// Windows' numbers of character sets.
    private static let charsets: [Int: String] = [
        77: "macintosh", 128: "cp932", 129: "cp949", 130: "johab", 134: "cp936", 136: "cp950", 161: "cp1253", 162: "cp1254",
        163: "cp1258", 177: "cp1255", 178: "cp1256", 186: "cp1257", 204: "cp1251", 222: "cp874", 238: "cp1250", 254: "cp437",
        255: "cp850",
    ]
}

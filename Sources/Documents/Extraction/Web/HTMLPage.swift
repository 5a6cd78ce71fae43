/// Builds blocks from a page's tags as they come, with a stack of open elements instead of a tree.
struct HTMLPage {
    /// Where on the page a block stands.
    struct Region: OptionSet, Hashable {
        var rawValue: UInt8
        static let main = Region(rawValue: 1)
        static let article = Region(rawValue: 2)
        static let boilerplate = Region(rawValue: 4)
        static let hidden = Region(rawValue: 8)
    }

    struct Block {
        var kind: ExtractedText.Block.Kind
        var content: [UInt8]
        var depth: Int
        var region: Region
    }

    private struct Open {
        var name: String
        var element: HTMLElement?
        /// The regions around the element and of the element itself.
        var region: Region
        var isPreformatted: Bool
        var isQuote: Bool
    }

    private struct List {
        /// The number of the next item; nil in lists with bullets.
        var next: Int?
    }

    private(set) var blocks: [Block] = []
    private(set) var title: String?
    private var stack: [Open] = []
    private var lists: [List] = []
    private var tables: [HTMLTable] = []
    /// Text since the last border between blocks.
    private var current: [UInt8] = []
    /// `- ` or `3. `, to stand before the next text.
    private var mark: [UInt8] = []

    /// End tags look this far up for their element. Pages nest less deep, and hostile ones cost no more than this.
    private static let maxReach = 256
    /// A cell with more text than this and more than one block is layout, not data.
    private static let maxCellBytes = 2000

    mutating func read(_ text: [UInt8]) {
        var tokens = HTMLTokens(text)
        while let token = tokens.next() {
            switch token {
            case .text(let text): append(text)
            case .start(let element, let attributes): open(element, attributes)
            case .end(let element): close(element.rawValue)
            case .other(let name, let isEnd, let isHidden): other(name, isEnd: isEnd, isHidden: isHidden)
            }
        }
        flush()
        while !stack.isEmpty { pop() }
    }

    private var region: Region { stack.last?.region ?? [] }

    // MARK: - Text

    private mutating func append(_ text: ArraySlice<UInt8>) {
        guard !region.contains(.hidden) else { return }
        let isPreformatted = stack.last?.isPreformatted ?? false
        var index = text.startIndex
        while index < text.endIndex {
            let byte = text[index]
            if byte == UInt8(ascii: "&"), let entity = HTMLEntities.decode(text, at: index) {
                if entity.text == [0xC2, 0xA0] { appendSpace(isPreformatted) } else { current += entity.text }
                index = entity.end
                continue
            }
            if byte.isSpace && !isPreformatted { appendSpace(false) } else { current.append(byte) }
            index += 1
        }
    }

    private mutating func appendSpace(_ isPreformatted: Bool) {
        if isPreformatted || !(current.last?.isSpace ?? true) { current.append(.space) }
    }

    /// Ends the block that the text so far makes up.
    private mutating func flush() {
        defer { current.removeAll(keepingCapacity: true) }
        guard !current[...].trimmingSpace.isEmpty else { return }
        let top = stack.last
        if top?.element == .title {
            title = title ?? current[...].string
            return
        }
        if let last = tables.indices.last, tables[last].isInCell {
            if !tables[last].cellWouldExceed(Self.maxCellBytes) { return tables[last].append(current) }
            breakUp(last)
        }
        if let level = top?.element?.headingLevel {
            emit(.heading(level: level), current.map { $0 == .newline ? .space : $0 })
        } else if top?.isPreformatted ?? false {
            emit(.code, current)
        } else if !mark.isEmpty {
            emit(.listItem, mark + current[...].trimmingSpace, depth: max(0, lists.count - 1))
            mark = []
        } else {
            emit(top?.isQuote ?? false ? .quote : .paragraph, current)
        }
    }

    private mutating func emit(_ kind: ExtractedText.Block.Kind, _ content: [UInt8], depth: Int = 0) {
        blocks.append(Block(kind: kind, content: content, depth: depth, region: region))
    }

    // MARK: - Tags

    private mutating func open(_ element: HTMLElement, _ attributes: HTMLTokens.Attributes) {
        if element == .br { return current.append(.newline) }
        while let top = stack.last?.element, top.ends(before: element) { pop() }
        if element.interruptsParagraph { flush() }
        guard !element.isVoid, !element.isRaw else { return }
        var own = region
        if attributes.isHidden || element.isDropped { own.insert(.hidden) }
        if element.isBoilerplate || attributes.isNavigation { own.insert(.boilerplate) }
        if element == .main || attributes.isMain { own.insert(.main) }
        if element == .article { own.insert(.article) }
        let isPreformatted = stack.last?.isPreformatted ?? false || element == .pre || element == .listing || element == .xmp
        let isQuote = stack.last?.isQuote ?? false || element == .blockquote
        stack.append(
            Open(
                name: element.rawValue, element: element, region: own, isPreformatted: isPreformatted, isQuote: isQuote
            )
        )
        if !own.contains(.hidden) { begin(element, attributes) }
    }

    private mutating func begin(_ element: HTMLElement, _ attributes: HTMLTokens.Attributes) {
        switch element {
        case .ul, .menu, .dir: lists.append(List(next: nil))
        case .ol: lists.append(List(next: attributes.startNumber ?? 1))
        case .li: mark = nextMark()
        case .table:
            if let outer = tables.indices.last, tables[outer].isInCell { breakUp(outer) }
            tables.append(HTMLTable())
        case .tr: tables.indices.last.map { tables[$0].beginRow() }
        case .td, .th: tables.indices.last.map { tables[$0].beginCell(columns: attributes.columns, rows: attributes.rows) }
        case .h1, .h2, .h3, .h4, .h5, .h6:
            if let outer = tables.indices.last, tables[outer].isInCell { breakUp(outer) }
        default: break
        }
    }

    private mutating func nextMark() -> [UInt8] {
        guard let last = lists.indices.last, let number = lists[last].next else { return Array("- ".utf8) }
        lists[last].next = number < Int.max ? number + 1 : number
        return Array("\(number). ".utf8)
    }

    private mutating func close(_ name: String) {
        let reach = stack.suffix(Self.maxReach)
        guard let position = reach.lastIndex(where: { $0.name == name }) else { return }
        let isTablePart = ["table", "tbody", "thead", "tfoot", "tr", "td", "th"].contains(name)
        if !isTablePart, let cell = reach.lastIndex(where: { $0.element == .td || $0.element == .th }), cell > position {
            return
        }
        while stack.count > position { pop() }
    }

    private mutating func pop() {
        if stack.last?.element?.interruptsParagraph ?? false { flush() }
        guard let top = stack.popLast(), !top.region.contains(.hidden) else { return }
        switch top.element {
        case .ul, .ol, .menu, .dir: _ = lists.popLast()
        case .li: mark = []
        case .tr: tables.indices.last.map { tables[$0].endRow() }
        case .td, .th: tables.indices.last.map { tables[$0].endCell() }
        case .table: tables.popLast().map { emit($0) }
        default: break
        }
    }

    /// Elements within a line matter only where they hide text; inside of that they are tracked to find its end.
    private mutating func other(_ name: String, isEnd: Bool, isHidden: Bool) {
        let isAlreadyHidden = region.contains(.hidden)
        if isEnd {
            if isAlreadyHidden { close(name) }
        } else if isHidden || isAlreadyHidden {
            guard !["wbr", "source", "embed", "track", "param"].contains(name) else { return }
            var top = stack.last ?? Open(name: "", element: nil, region: [], isPreformatted: false, isQuote: false)
            top.name = name
            top.element = nil
            top.region.insert(.hidden)
            if !isAlreadyHidden { hideFollowing() }
            stack.append(top)
        }
    }

    /// Text in front of something hidden stays in the open block, so that the words around it are not torn apart.
    private mutating func hideFollowing() {
        appendSpace(false)
    }

    // MARK: - Tables

    /// Turns a table that turned out to be page layout into plain flow, from the present cell on.
    private mutating func breakUp(_ index: Int) {
        let table = tables[index]
        tables[index].becomeLayout()
        emit(table)
        for cell in table.openCells where !cell.isEmpty { emit(.paragraph, cell) }
    }

    private mutating func emit(_ table: HTMLTable) {
        guard let rows = table.rows else { return }
        if table.isSingleColumn {
            for row in rows { emit(.paragraph, row) }
        } else if !rows.isEmpty {
            emit(.table, Array(rows.joined(separator: [.newline])))
        }
    }
}

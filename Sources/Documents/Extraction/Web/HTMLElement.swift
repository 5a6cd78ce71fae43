/// The elements that shape the text of a page. All others only surround words and are ignored.
enum HTMLElement: String, Hashable {
    case address, article, aside, blockquote, body, br, button, caption, center, dd, details, dialog, div, dl, dt, fieldset
    case figcaption, figure, footer, form, h1, h2, h3, h4, h5, h6, head, header, hr, html, li, main, nav, ol, optgroup
    case option, p, pre, section, select, summary, svg, table, tbody, td, template, tfoot, th, thead, title, tr, ul
    case canvas, iframe, math, noembed, noframes, noscript, object, script, style, textarea, listing, xmp, plaintext
    case search, dir, menu, legend, colgroup, col, hgroup, video, audio, map, label, input, img, link, meta, base

    /// Elements within a line that Markdown writers use; their tags go, their texts stay.
    static let inline: Set<String> = [
        "a", "abbr", "b", "bdi", "bdo", "big", "cite", "code", "del", "dfn", "em", "font", "i", "ins", "kbd", "mark", "q",
        "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "time", "tt", "u", "var", "wbr", "picture",
        "source", "embed", "track", "param", "data", "ruby", "rb", "rt", "rp",
    ]

    static func breaksLine(_ name: String) -> Bool { name == "br" || name == "p" || name == "div" || name == "li" }

    /// 1…6 for a heading.
    var headingLevel: Int? {
        switch self {
        case .h1: 1
        case .h2: 2
        case .h3: 3
        case .h4: 4
        case .h5: 5
        case .h6: 6
        default: nil
        }
    }

    /// Elements that never have content.
    var isVoid: Bool {
        switch self {
        case .br, .hr, .col, .input, .img, .link, .meta, .base: true
        default: false
        }
    }

    /// Elements whose content is not markup and never shown as text.
    var isRaw: Bool {
        switch self {
        case .script, .style, .iframe, .noembed, .noframes, .textarea: true
        default: false
        }
    }

    /// Elements whose content is no text of the document, wherever they stand.
    var isDropped: Bool {
        switch self {
        case .template, .svg, .canvas, .object, .noscript, .select, .button, .video, .audio, .map, .math, .dialog: true
        default: false
        }
    }

    /// Elements around the document rather than of it. Dropped unless too little would be left.
    var isBoilerplate: Bool {
        switch self {
        case .nav, .aside, .form, .search: true
        default: false
        }
    }

    /// Whether an open element of this kind ends where `next` begins, as HTML's optional end tags have it.
    func ends(before next: HTMLElement) -> Bool {
        switch self {
        case .p, .h1, .h2, .h3, .h4, .h5, .h6: next.interruptsParagraph
        case .li: next == .li
        case .dt, .dd: next == .dt || next == .dd
        case .td, .th: next == .td || next == .th || next == .tr || next == .tbody || next == .tfoot
        case .tr: next == .tr || next == .tbody || next == .tfoot
        case .option: next == .option || next == .optgroup
        case .head: next == .body
        default: false
        }
    }

    /// Whether text in front of the element's tag and text behind it belong to different blocks.
    var interruptsParagraph: Bool {
        switch self {
        case .br, .button, .canvas, .input, .label, .img, .map, .object, .svg, .math, .video, .audio, .script, .style,
            .noscript, .iframe, .textarea, .select, .option, .optgroup, .link, .meta, .template:
            false
        default: true
        }
    }
}

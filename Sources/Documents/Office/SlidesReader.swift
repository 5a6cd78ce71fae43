import Knowledge

/// Reads PowerPoint presentations (ECMA-376, PresentationML): a heading of level 2 for each slide, then its texts,
/// tables, charts and diagrams, then its notes and comments.
struct SlidesReader: ArchiveReader {
    func read(_ archive: consuming ZipArchive) throws(DocumentFailure) -> ExtractedText {
        var parts = PackageParts(archive)
        let main = try parts.mainPart()
        let order = SlideOrder()
        try parts.read(main, by: order)
        let links = try parts.relationships(of: main)
        let targets = Dictionary(links.map { ($0.id, $0.target) }, uniquingKeysWith: { first, _ in first })
        var deck = SlideDeck()
        for id in order.ids {
            guard let part = targets[id] else { continue }
            try Self.read(part, of: &parts, to: &deck)
        }
        return try deck.finish(title: parts.title())
    }

    private static func read(
        _ part: String, of parts: inout PackageParts, to deck: inout SlideDeck
    ) throws(DocumentFailure) {
        let links = try parts.relationships(of: part)
        let slide = SlideBody(.slide)
        try parts.read(part, by: slide)
        for link in links {
            switch link.kind {
            case "chart":
                let chart = ChartReader()
                try parts.read(link.target, by: chart)
                slide.content.items += chart.items
            case "diagramData":
                let diagram = SlideBody(.diagram)
                try parts.read(link.target, by: diagram)
                slide.content.items += diagram.content.items
            default: break
            }
        }
        for link in links where link.kind == "notesSlide" || link.kind == "comments" {
            let notes = SlideBody(link.kind == "comments" ? .comments : .notes)
            try parts.read(link.target, by: notes)
            slide.content.notes += notes.content.items.map(\.content)
        }
        try deck.add(slide.content)
    }
}

/// The slides in the order of the presentation.
private final class SlideOrder: XMLHandler {
    private(set) var ids: [String] = []

    func start(_ name: String, _ attributes: XMLAttributes) -> XMLReader.Content {
        if name == "p:sldId", let id = attributes["r:id"] { ids.append(id) }
        return .read
    }

    func end(_ name: String) {}
    func text(_ text: UnsafeBufferPointer<UInt8>) {}
}

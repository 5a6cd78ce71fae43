import Knowledge

/// Slides one after the other as text: the title first, wherever it stands on the slide.
struct SlideDeck {
    struct Slide {
        var title: [UInt8] = []
        var items: [BlockFlow.Paragraph] = []
        /// What the speaker or a reviewer wrote beside the slide.
        var notes: [[UInt8]] = []
        var isHidden = false
    }

    private var flow = BlockFlow()
    private var count = 0
    private var hidden: [Int] = []

    mutating func add(_ slide: Slide) throws(DocumentFailure) {
        count += 1
        if slide.isHidden { hidden.append(count) }
        let title = slide.title[...].string.onOneLine
        let items = slide.items.filter { !$0.content[...].trimmingSpace.isEmpty }
        let notes = slide.notes.filter { !$0[...].trimmingSpace.isEmpty }
        guard !title.isEmpty || !items.isEmpty || !notes.isEmpty else {
            flow.builder.quality.pagesWithoutText.append(count)
            return
        }
        flow.locator = "slide \(count)"
        // Without a title of its own a slide would seem to belong to the one before.
        let heading = title.isEmpty ? "Slide \(count)" : title
        try flow.add(.init(kind: .heading(level: 2), content: Array(heading.utf8)))
        for item in items { try flow.add(item) }
        flow.locator = "slide \(count) (notes)"
        for note in notes { try flow.addNote(note) }
    }

    /// - Throws: `.empty` if no slide has text.
    consuming func finish(title: String?) throws(DocumentFailure) -> ExtractedText {
        flow.builder.quality.pages = count
        if !hidden.isEmpty {
            let numbers = hidden.prefix(20).map(String.init).joined(separator: ", ")
            flow.builder.warnings.append("Hidden slides were read as well: \(numbers)\(hidden.count > 20 ? "…" : "").")
        }
        return try flow.builder.finish(title: title)
    }
}

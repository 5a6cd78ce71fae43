import Knowledge

/// Reads Word documents (ECMA-376, WordprocessingML), transitional and strict.
///
/// Headings come from the styles' outline levels, numbers of lists and headings are counted as Word counts them, notes
/// and comments stand behind the paragraph that refers to them. Headers, footers and tables of contents are left out.
struct WordReader: ArchiveReader {
    func read(_ archive: consuming ZipArchive) throws(DocumentFailure) -> ExtractedText {
        var parts = PackageParts(archive)
        let main = try parts.mainPart()
        let links = try parts.relationships(of: main)
        let styles = WordStyles()
        let numbering = WordNumbering()
        let notes = WordNotes()
        for link in links {
            switch link.kind {
            case "styles": try parts.read(link.target, by: styles)
            case "numbering": try parts.read(link.target, by: numbering)
            case "footnotes", "endnotes", "comments":
                notes.part = link.kind
                try parts.read(link.target, by: notes)
            default: break
            }
        }
        let body = WordBody(styles: styles, numbering: numbering, notes: notes)
        try parts.read(main, by: body)
        try body.addRemainingNotes()
        let title = try parts.title()
        return try body.flow.builder.finish(title: body.title ?? title)
    }
}

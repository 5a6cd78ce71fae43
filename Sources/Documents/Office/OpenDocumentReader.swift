import Knowledge

/// Reads OpenDocument texts, spreadsheets and presentations (ISO 26300).
struct OpenDocumentReader: ArchiveReader {
    func read(_ archive: consuming ZipArchive) throws(DocumentFailure) -> ExtractedText {
        var archive = archive
        // Read as bytes: manifests of old versions have a document type, and one word of it is all that matters.
        if let manifest = try archive.content(of: "META-INF/manifest.xml"),
            manifest[...].firstRange(of: "encryption-data", from: 0) != nil
        {
            throw .encryptedArchive
        }
        let meta = TextCollector(of: ["dc:title"])
        try XMLReader.read("meta.xml", of: &archive, by: meta)
        guard let content = archive.entry(named: "content.xml") else {
            throw .damagedArchive("Its main part is missing.")
        }
        let styles = OpenDocumentStyles()
        try XMLReader.read("styles.xml", of: &archive, by: styles)
        let body = OpenDocumentBody(styles: styles)
        try XMLReader.read(content, of: &archive, by: body)
        return try body.finish(title: meta.texts.first?[...].string.onOneLine)
    }
}

/// A kind of file: what it is called, how its name ends, who reads it.
struct Format: Sendable {
    var type: MediaType
    /// As in "the content is …".
    var name: String
    /// In lower case, without dots.
    var suffixes: Set<Substring>
    var reader: any FormatReader

    init(_ type: MediaType, _ name: String, _ suffixes: String, _ reader: any FormatReader) {
        self.type = type
        self.name = name
        self.suffixes = Set(suffixes.split { $0.isWhitespace })
        self.reader = reader
    }

    /// All formats that are read, one row each.
    static let all = [
        Format(.plainText, "plain text", "txt text log", PlainTextReader(style: .prose)),
        Format(.markdown, "Markdown", "md markdown mdown mkd mdx qmd rmd", MarkdownReader()),
        Format(.html, "HTML", "html htm xhtml xht", HTMLReader()),
        Format(.docx, "a Word document (docx)", "docx docm dotx dotm", WordReader()),
        Format(.pptx, "a PowerPoint presentation (pptx)", "pptx pptm ppsx ppsm potx", SlidesReader()),
        Format(.xlsx, "an Excel workbook (xlsx)", "xlsx xlsm xltx xltm", WorkbookReader()),
        Format(.odt, "an OpenDocument text", "odt ott", OpenDocumentReader()),
        Format(.ods, "an OpenDocument spreadsheet", "ods ots", OpenDocumentReader()),
        Format(.odp, "an OpenDocument presentation", "odp otp", OpenDocumentReader()),
        Format(.epub, "an EPUB book", "epub", BookReader()),
        Format(.pdf, "a PDF document", "pdf", PDFReader()),
        Format(.picture, "a picture", "png jpg jpeg gif tif tiff webp", ImageReader()),
        Format(.csv, "CSV", "csv tsv tab psv", DelimitedReader()),
        Format(.json, "JSON", "json geojson webmanifest", JSONReader()),
        Format(.jsonLines, "JSON lines", "jsonl ndjson jsonlines", JSONLinesReader()),
        Format(.notebook, "a Jupyter notebook", "ipynb", NotebookReader()),
        Format(.email, "an e-mail message", "eml mht mhtml", MailReader()),
        Format(.mailbox, "a mailbox", "mbox mbx", MailboxReader()),
        Format(.rtf, "Rich Text (RTF)", "rtf", RTFReader()),
        Format(.xml, "XML", "xml svg rss atom xsd xsl xslt kml gpx dbk docbook jats nxml tei opml plist", MarkupReader()),
        Format(.code, "source code", codeSuffixes, PlainTextReader(style: .code)),
    ]

    private static let codeSuffixes = """
        bash bat c cc cfg clj cmake conf cpp cs css cxx dart diff env erl ex go gradle groovy h hpp hs ini java jl js jsx kt \
        less lua m make ml mm patch php pl properties ps1 py r rb rs scala scss sh sql swift tf toml ts tsx vb vue yaml yml zig
        """

    static func of(_ type: MediaType) -> Format {
        byType[type] ?? all[0]
    }

    /// The format that a name's ending promises.
    static func named(_ suffix: String) -> Format? { bySuffix[Substring(suffix)] }

    /// Whether a name promises something else than the content turned out to be.
    static func contradicts(suffix: String, _ format: Format) -> Bool {
        guard !format.suffixes.contains(Substring(suffix)) else { return false }
        return BinaryFormat.suffixes.contains(suffix) || (bySuffix[Substring(suffix)].map { $0.type != format.type } ?? false)
    }

    private static let byType = Dictionary(uniqueKeysWithValues: all.map { ($0.type, $0) })

    private static let bySuffix = Dictionary(
        all.flatMap { format in format.suffixes.map { ($0, format) } }, uniquingKeysWith: { first, _ in first }
    )
}

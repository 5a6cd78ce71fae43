import Knowledge

/// Reads PDF documents with the programs of poppler, and the text of scanned pages with tesseract.
///
/// The programs get the document over a pipe and no place to write to. They are made for documents that people have, not
/// for those that attackers make: run the reader in a confined process.
struct PDFReader: FormatReader {
    struct Limits: Sendable {
        var pages = 5000
        /// Pages whose text is recognised in a picture.
        var recognisedPages = 500
        /// What one call of a program may print for `batch` pages.
        var outputBytes = 256 << 20
        /// For everything but recognition.
        var time = Duration.seconds(150)
        var timePerRecognisedPage = Duration.seconds(60)
        /// For all recognition; pages that are left then stay without text.
        var recognitionTime = Duration.seconds(1200)
        /// Instead of that time, where whoever waits for the text will not wait longer.
        var recognitionEnd: ContinuousClock.Instant?
        /// Pages that are laid out by one call, so that memory follows this number.
        var batch = 500
    }

    var tools = Tools.installed
    var limits = Limits()

    func read(_ file: SourceFile) throws(DocumentFailure) -> ExtractedText {
        var reader = self
        reader.limits.recognitionEnd = file.recognitionEnd
        return try reader.read(file.bytes)
    }

    /// - Throws: `.encrypted`, `.noTextLayer`, `.unreadable`, `.readerCrashed`, `.tooLarge`, `.timedOut`, `.empty`;
    ///   `.unsupportedType` without poppler.
    func read(_ data: [UInt8]) throws(DocumentFailure) -> ExtractedText {
        guard let pdfinfo = tools.pdfinfo, let pdftotext = tools.pdftotext else { throw .popplerMissing }
        let deadline = ContinuousClock.now + limits.time
        let answer = try pdfinfo.run(["-enc", "UTF-8", "-"], input: data, maxOutputBytes: 1 << 20, until: deadline)
        let info = try PDFInfo(answer)
        guard info.pages <= limits.pages else {
            throw DocumentFailure(
                .tooLarge, "This PDF has \(info.pages) pages; at most \(limits.pages) are read. Split it into parts."
            )
        }
        var pages: [PageLayout] = []
        var outline: [TypeStyles.OutlineItem] = []
        var lacksMappings = false
        for first in stride(from: 1, through: info.pages, by: limits.batch) {
            let last = min(first + limits.batch - 1, info.pages)
            let answer = try layout(data, first...last, with: pdftotext, until: deadline)
            lacksMappings = lacksMappings || answer.messages.contains("Missing language pack")
            var batch = try layoutPages(in: answer, first...last)
            if let styles = styles(data, first...last, until: deadline) {
                for index in batch.indices { styles.apply(to: &batch[index]) }
                if first == 1 { outline = styles.outline }
            }
            pages += batch
        }
        var scan = ScannedPages(data: data, tools: tools, limits: limits, lacksMappings: lacksMappings)
        scan.fill(&pages)
        if pages.allSatisfy(\.lines.isEmpty) { throw scan.failure }
        return try PDFText(pages, outline: outline, scan: scan, title: info.title).text()
    }

    private func layout(
        _ data: [UInt8], _ range: ClosedRange<Int>, with pdftotext: Tool, until deadline: ContinuousClock.Instant
    ) throws(DocumentFailure) -> Tool.Answer {
        try pdftotext.run(
            ["-bbox-layout", "-enc", "UTF-8", "-f", "\(range.lowerBound)", "-l", "\(range.upperBound)", "-", "-"],
            input: data, maxOutputBytes: limits.outputBytes, until: deadline
        )
    }

    private func layoutPages(
        in answer: Tool.Answer, _ range: ClosedRange<Int>
    ) throws(DocumentFailure) -> [PageLayout] {
        guard answer.status != nil else {
            let pages = "\(range.lowerBound)–\(range.upperBound)"
            throw DocumentFailure(.readerCrashed, "The program that reads PDF documents crashed on pages \(pages).")
        }
        let pages = LayoutScanner.pages(in: answer.output, firstPage: range.lowerBound)
        guard answer.status == 0 || !pages.isEmpty else { throw .brokenPDF }
        // Pages that poppler gave up on are pages without text.
        let missing = range.dropFirst(pages.count).map { PageLayout(number: $0, width: 0, height: 0) }
        return pages.prefix(range.count) + missing
    }

    /// How the pages are set; nil where that cannot be found out: the text is complete without it.
    private func styles(
        _ data: [UInt8], _ range: ClosedRange<Int>, until deadline: ContinuousClock.Instant
    ) -> TypeStyles? {
        let arguments = [
            "-xml", "-i", "-stdout", "-nodrm", "-zoom", "\(TypeStyles.scale)", "-enc", "UTF-8",
            "-f", "\(range.lowerBound)", "-l", "\(range.upperBound)", "-", "-",
        ]
        let deadline = min(deadline, ContinuousClock.now + limits.time / 3)
        let answer = try? tools.pdftohtml?.run(
            arguments, input: data, maxOutputBytes: limits.outputBytes, until: deadline
        )
        return answer.map { TypeStyles($0.output) }
    }
}

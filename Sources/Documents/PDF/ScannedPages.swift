import Knowledge

/// Pages of a PDF that have no text of their own: pictures, whose text tesseract may recognise, and blank ones.
struct ScannedPages {
    /// Fewer characters than this on a page may be all that is not picture.
    private static let minCharacters = 20
    private static let resolution: Float = 300
    /// Pixels of a page's longer side, whatever its size: A3 at the full resolution.
    private static let maxPixels: Float = 5000

    let data: [UInt8]
    let tools: Tools
    let limits: PDFReader.Limits
    /// Page numbers, from 1.
    private(set) var recognised: [Int] = []
    private(set) var withoutText: [Int] = []
    /// Pages beyond the limits on recognition.
    private(set) var leftOut = 0
    private var (confidence, words): (Double, Int) = (0, 0)
    private var recognition: Recognition?
    /// Whether poppler said that it cannot tell the characters of some font.
    let lacksMappings: Bool

    init(data: [UInt8], tools: Tools, limits: PDFReader.Limits, lacksMappings: Bool = false) {
        (self.data, self.tools, self.limits, self.lacksMappings) = (data, tools, limits, lacksMappings)
    }

    /// Mean of all recognised words, 0…1.
    var meanConfidence: Double? { words > 0 ? confidence / Double(words) / 100 : nil }

    /// Why a document without any text cannot be read.
    var failure: DocumentFailure {
        if lacksMappings { return .mappingsMissing }
        if withoutText.isEmpty { return .noText }
        return recognition == nil ? .picturesOnly : .nothingRecognised
    }

    /// Recognises what pages without text show, as far as the programs for it are there.
    mutating func fill(_ pages: inout [PageLayout]) {
        let end = limits.recognitionEnd ?? .now + limits.recognitionTime
        var tries = 0
        for index in pages.indices where pages[index].needsRecognition(below: Self.minCharacters) {
            let hasText = !pages[index].lines.isEmpty
            guard tries < limits.recognisedPages, ContinuousClock.now < end else {
                leftOut += 1
                if !hasText { withoutText.append(pages[index].number) }
                continue
            }
            tries += 1
            let deadline = min(end, ContinuousClock.now + limits.timePerRecognisedPage)
            if isBlank(pages[index], until: deadline) { continue }
            if tries == 1 || recognition == nil { recognition = Recognition(tools) }
            if let page = recognise(pages[index], until: deadline), isBetter(page.layout, than: pages[index]) {
                pages[index] = page.layout
                recognised.append(page.layout.number)
                confidence += page.confidence
                words += page.wordCount
            } else if !hasText {
                withoutText.append(pages[index].number)
            }
        }
    }

    /// Whether recognition saw more than the page says of itself. A few characters more may be a wrong reading of the page's own
    /// text, in a script that is not recognised, so that this must be among them.
    private func isBetter(_ recognised: PageLayout, than page: PageLayout) -> Bool {
        guard recognised.characters > page.readable else { return false }
        return page.lines.isEmpty || recognised.characters >= Self.minCharacters || recognised.letters.contains(page.letters)
    }

    /// nil if there is no tesseract, or it or poppler failed: the page then counts as one without text.
    private func recognise(_ page: PageLayout, until deadline: ContinuousClock.Instant) -> Recognition.Page? {
        let scale = min(Self.resolution / 72, Self.maxPixels / max(page.width, page.height, 1))
        guard let recognition, let picture = picture(of: page, scale: scale, until: deadline),
            var recognised = try? recognition.pages(in: picture, scale: scale, until: deadline).first
        else { return nil }
        recognised.layout.number = page.number
        return recognised
    }

    /// Whether a small picture of the page is all of one colour.
    private func isBlank(_ page: PageLayout, until deadline: ContinuousClock.Instant) -> Bool {
        guard page.lines.isEmpty else { return false }
        let scale = min(0.5, 500 / max(page.width, page.height, 1))
        guard let picture = picture(of: page, scale: scale, until: deadline) else { return false }
        // "P5", width, height, 255: three lines, then a byte a pixel.
        var index = 0
        for _ in 0..<3 { index = (picture[index...].firstIndex(of: .newline) ?? picture.count - 1) + 1 }
        return Set(picture[index...]).count <= 1
    }

    private func picture(of page: PageLayout, scale: Float, until deadline: ContinuousClock.Instant) -> [UInt8]? {
        let arguments = ["-r", "\(max(scale * 72, 1))", "-gray", "-f", "\(page.number)", "-l", "\(page.number)", "-"]
        // A page that cannot be drawn is a page without text.
        let answer = try? tools.pdftoppm?.run(arguments, input: data, maxOutputBytes: 64 << 20, until: deadline)
        guard let picture = answer?.output, picture.starts(with: "P5".utf8) else { return nil }
        return picture
    }
}

extension PageLayout {
    fileprivate var readable: Int { characters - unmapped }

    /// Without what is between the words, in lower case.
    fileprivate var letters: String { lines.flatMap(\.words).map { $0.text.lowercased() }.joined() }

    fileprivate func needsRecognition(below minCharacters: Int) -> Bool {
        readable < minCharacters || unmapped * 10 > characters * 3
    }
}

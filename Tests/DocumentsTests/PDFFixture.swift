/// A PDF document made by hand: text at places on pages of 595 × 842 points, an outline, pictures.
struct PDFFixture {
    struct Text {
        /// From the left and the top edge to the beginning of the base line.
        var x: Int
        var y: Int
        var string: String
        var size = 10
        var isBold = false
    }

    struct Page {
        var texts: [Text] = []
        /// A grey picture over the whole page: its width and one byte a pixel, row by row.
        var picture: (width: Int, pixels: [UInt8])?
    }

    var pages: [Page]
    var outline: [(title: String, page: Int)] = []
    var title: String?

    init(_ pages: [[Text]]) { self.pages = pages.map { Page(texts: $0) } }

    /// Lines of prose under each other.
    static func column(_ lines: [String], x: Int = 72, y: Int = 100) -> [Text] {
        lines.enumerated().map { Text(x: x, y: y + 14 * $0.offset, string: $0.element) }
    }

    var bytes: [UInt8] {
        var objects: [Int: [UInt8]] = [:]
        let pageNumbers = pages.indices.map { 10 + 3 * $0 }
        let firstItem = 10 + 3 * pages.count
        let hasOutline = !outline.isEmpty
        objects[1] = Array("<< /Type /Catalog /Pages 2 0 R \(hasOutline ? "/Outlines 6 0 R" : "") >>".utf8)
        let kids = pageNumbers.map { "\($0) 0 R" }.joined(separator: " ")
        objects[2] = Array("<< /Type /Pages /Count \(pages.count) /Kids [\(kids)] >>".utf8)
        for (number, font) in [(3, "Helvetica"), (4, "Helvetica-Bold")] {
            objects[number] = Array("<< /Type /Font /Subtype /Type1 /BaseFont /\(font) /Encoding /WinAnsiEncoding >>".utf8)
        }
        objects[5] = Array("<< \(title.map { "/Title \(Self.escaped($0))" } ?? "") >>".utf8)
        objects[6] = Array("<< /First \(firstItem) 0 R /Last \(firstItem + outline.count - 1) 0 R >>".utf8)
        for (index, item) in outline.enumerated() {
            let next = index + 1 < outline.count ? "/Next \(firstItem + index + 1) 0 R" : ""
            let target = "/Parent 6 0 R /Dest [\(pageNumbers[item.page - 1]) 0 R /Fit]"
            objects[firstItem + index] = Array("<< /Title \(Self.escaped(item.title)) \(target) \(next) >>".utf8)
        }
        for (page, number) in zip(pages, pageNumbers) {
            let resources = "/Font << /F1 3 0 R /F2 4 0 R >> /XObject << /P \(number + 2) 0 R >>"
            objects[number] = Array(
                "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents \(number + 1) 0 R /Resources << \(resources) >> >>".utf8
            )
            objects[number + 1] = Self.stream("", Self.content(of: page))
            let (width, pixels) = page.picture ?? (1, [255])
            objects[number + 2] = Self.stream(
                "/Subtype /Image /Width \(width) /Height \(pixels.count / width) /ColorSpace /DeviceGray /BitsPerComponent 8", pixels
            )
        }
        return Self.file(objects)
    }

    private static func content(of page: Page) -> [UInt8] {
        let picture = page.picture == nil ? "" : "q 595 0 0 842 0 0 cm /P Do Q\n"
        return Array(picture.utf8) + page.texts.flatMap { text in
            Array("BT /F\(text.isBold ? 2 : 1) \(text.size) Tf \(text.x) \(842 - text.y) Td ".utf8) + escaped(bytes: text.string)
                + Array(" Tj ET\n".utf8)
        }
    }

    private static func escaped(_ string: String) -> String { String(decoding: escaped(bytes: string), as: UTF8.self) }

    /// A string object in Latin-1.
    private static func escaped(bytes string: String) -> [UInt8] {
        let latin = string.unicodeScalars.flatMap { scalar -> [UInt8] in
            "()\\".unicodeScalars.contains(scalar) ? [0x5C, UInt8(scalar.value)] : [UInt8(scalar.value)]
        }
        return [0x28] + latin + [0x29]
    }

    private static func stream(_ entries: String, _ content: [UInt8]) -> [UInt8] {
        Array("<< \(entries) /Length \(content.count) >>\nstream\n".utf8) + content + Array("\nendstream".utf8)
    }

    private static func file(_ objects: [Int: [UInt8]]) -> [UInt8] {
        var file = Array("%PDF-1.4\n".utf8)
        var table = ""
        let count = (objects.keys.max() ?? 0) + 1
        for number in 1..<count {
            guard let object = objects[number] else {
                table += "0000000000 65535 f \n"
                continue
            }
            let offset = String(file.count)
            table += String(repeating: "0", count: 10 - offset.count) + offset + " 00000 n \n"
            file += Array("\(number) 0 obj\n".utf8) + object + Array("\nendobj\n".utf8)
        }
        let start = file.count
        file += Array("xref\n0 \(count)\n0000000000 65535 f \n\(table)".utf8)
        return file + Array("trailer\n<< /Size \(count) /Root 1 0 R /Info 5 0 R >>\nstartxref\n\(start)\n%%EOF\n".utf8)
    }
}

import Knowledge

/// Tells the document formats apart that come in a ZIP archive.
enum OfficeFormat {
    /// The format of an archive, by what it says of itself; nil for archives that are no document.
    ///
    /// - Parameter suffix: Decides only for archives too damaged to say anything.
    /// - Throws: `.encrypted` for Office documents with a password: those stand in a container of another kind.
    static func sniff(_ data: [UInt8], suffix: String) throws(DocumentFailure) -> MediaType? {
        if data.starts(with: [0xD0, 0xCF, 0x11, 0xE0]) {
            guard isEncryptedPackage(data) else { return nil }
            throw .encryptedArchive
        }
        guard data.starts(with: [0x50, 0x4B, 3, 4]) || data.starts(with: [0x50, 0x4B, 5, 6]) else { return nil }
        do {
            var archive = try ZipArchive(data)
            return try content(of: &archive)
        } catch {
            return bySuffix[suffix]
        }
    }

    private static func content(of archive: inout ZipArchive) throws(DocumentFailure) -> MediaType? {
        if let types = try archive.content(of: "[Content_Types].xml") {
            return mainParts.first { types[...].firstRange(of: $0.0, from: 0) != nil }?.1
        }
        if let name = try archive.content(of: "mimetype") {
            let name = name[...].trimmingSpace
            return mimeTypes.first { name.starts(withLowercase: $0.0) }?.1
        }
        return archive.entry(named: BookReader.containerName) == nil ? nil : .epub
    }

    /// The content types of main parts: plain, template, with macros.
    private static let mainParts: [(StaticString, MediaType)] = [
        ("wordprocessingml.document.main+xml", .docx), ("wordprocessingml.template.main+xml", .docx),
        ("ms-word.document.macroEnabled.main+xml", .docx), ("ms-word.template.macroEnabledTemplate.main+xml", .docx),
        ("presentationml.presentation.main+xml", .pptx), ("presentationml.slideshow.main+xml", .pptx),
        ("presentationml.template.main+xml", .pptx), ("ms-powerpoint.presentation.macroEnabled.main+xml", .pptx),
        ("ms-powerpoint.slideshow.macroEnabled.main+xml", .pptx), ("spreadsheetml.sheet.main+xml", .xlsx),
        ("spreadsheetml.template.main+xml", .xlsx), ("ms-excel.sheet.macroEnabled.main+xml", .xlsx),
        ("ms-excel.template.macroEnabled.main+xml", .xlsx),
    ]

    /// Beginnings, so that templates and master documents count as well.
    private static let mimeTypes: [(StaticString, MediaType)] = [
        ("application/vnd.oasis.opendocument.text", .odt), ("application/vnd.oasis.opendocument.spreadsheet", .ods),
        ("application/vnd.oasis.opendocument.presentation", .odp), ("application/epub+zip", .epub),
    ]

    private static let bySuffix: [String: MediaType] = [
        "docx": .docx, "pptx": .pptx, "xlsx": .xlsx, "odt": .odt, "ods": .ods, "odp": .odp, "epub": .epub,
    ]

    /// Whether an OLE container has the stream of an encrypted Office document ([MS-OFFCRYPTO] 2.3); names in its
    /// directory are UTF-16.
    private static func isEncryptedPackage(_ data: [UInt8]) -> Bool {
        data[...].firstRange(of: "E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0a\0g\0e\0", from: 0) != nil
    }
}

/// Reads one of the formats that come in a ZIP archive.
protocol ArchiveReader: FormatReader {
    /// - Throws: `.encrypted`, `.empty`, `.tooLarge` or `.unreadable`.
    func read(_ archive: consuming ZipArchive) throws(DocumentFailure) -> ExtractedText
}

extension ArchiveReader {
    func read(_ file: SourceFile) throws(DocumentFailure) -> ExtractedText { try read(ZipArchive(file.bytes)) }
}

/// A format that is recognised by its first bytes and has no reader.
struct BinaryFormat {
    var name: String
    var remedy: String

    /// - Parameter suffix: Tells formats apart that share a container, such as old Word and Excel files.
    static func of(_ data: [UInt8], suffix: String) -> BinaryFormat? {
        guard let row = signatures.first(where: { matches($0.0, data) }) else { return nil }
        switch row.1 {
        case "a ZIP archive": return BinaryFormat(name: row.1, remedy: "Upload the files in it instead.")
        case "an old Office document": return oldOffice[suffix] ?? BinaryFormat(
            name: row.1, remedy: "Open it in the program that made it, save it in a newer format and upload that."
        )
        default: return BinaryFormat(name: row.1, remedy: "Upload a text version of it instead.")
        }
    }

    /// Formats in the container of Office 97.
    private static let oldOffice: [String: BinaryFormat] = [
        "doc": BinaryFormat(
            name: "an old Word document", remedy: "Open it in Word or LibreOffice, save it as .docx and upload that."
        ),
        "xls": BinaryFormat(
            name: "an old Excel workbook", remedy: "Open it in Excel or LibreOffice, save it as .xlsx and upload that."
        ),
        "ppt": BinaryFormat(
            name: "an old PowerPoint presentation",
            remedy: "Open it in PowerPoint or LibreOffice, save it as .pptx and upload that."
        ),
        "msg": BinaryFormat(
            name: "an Outlook message", remedy: "Drag it out of a mail program as .eml, or save it as text or HTML, and upload that."
        ),
    ]

    /// How names of formats without a reader end.
    static let suffixes: Set<String> = [
        "pdf", "doc", "docx", "xls", "xlsx", "ppt", "pptx", "odt", "ods", "odp", "epub", "zip", "png", "jpg", "jpeg", "gif",
        "gz", "exe", "mp3", "mp4", "msg",
    ]

    /// Whether it is a picture whose text can be recognised.
    static func isPicture(_ data: [UInt8]) -> Bool { pictures.contains { matches($0, data) } }

    private static let pictures: [[UInt8?]] = [
        [0x89, 0x50, 0x4E, 0x47], [0xFF, 0xD8, 0xFF], [0x47, 0x49, 0x46, 0x38], [0x49, 0x49, 0x2A, 0x00],
        [0x4D, 0x4D, 0x00, 0x2A], [0x52, 0x49, 0x46, 0x46, nil, nil, nil, nil, 0x57, 0x45, 0x42, 0x50],
    ]

    /// nil in a signature stands for any byte.
    private static func matches(_ signature: [UInt8?], _ data: [UInt8]) -> Bool {
        data.count >= signature.count && zip(signature, data).allSatisfy { $0 == nil || $0 == $1 }
    }

    private static let signatures: [([UInt8?], String)] = [
        ([0x50, 0x4B, 0x03, 0x04], "a ZIP archive"), ([0x50, 0x4B, 0x05, 0x06], "a ZIP archive"),
        ([0xD0, 0xCF, 0x11, 0xE0], "an old Office document"),
        ([0x25, 0x21, 0x50, 0x53], "a PostScript document"),
        ([0x52, 0x49, 0x46, 0x46, nil, nil, nil, nil, 0x57, 0x41, 0x56, 0x45], "a sound file"),
        ([nil, nil, nil, nil, 0x66, 0x74, 0x79, 0x70], "a video or picture file"),
        ([0x1A, 0x45, 0xDF, 0xA3], "a video file"), ([0x4F, 0x67, 0x67, 0x53], "a sound file"),
        ([0x49, 0x44, 0x33], "a sound file"), ([0x66, 0x4C, 0x61, 0x43], "a sound file"),
        ([0x1F, 0x8B], "a gzip archive"), ([0x42, 0x5A, 0x68, nil, 0x31, 0x41, 0x59], "a bzip2 archive"),
        ([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00], "an xz archive"), ([0x28, 0xB5, 0x2F, 0xFD], "a zstd archive"),
        ([0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C], "a 7z archive"), ([0x52, 0x61, 0x72, 0x21, 0x1A, 0x07], "a RAR archive"),
        ([0x7F, 0x45, 0x4C, 0x46], "a program"), ([0xCF, 0xFA, 0xED, 0xFE], "a program"),
        ([0x4D, 0x5A, nil, 0x00], "a program"), ([0x00, 0x61, 0x73, 0x6D], "a program"),
        ([0xCA, 0xFE, 0xBA, 0xBE], "a program"),
        ([0x53, 0x51, 0x4C, 0x69, 0x74, 0x65, 0x20, 0x66], "a SQLite database"),
        ([0x50, 0x41, 0x52, 0x31], "a Parquet table"),
    ]
}

import Knowledge

/// Reads an e-mail message: subject, people and date, the best version of its text, and what is attached.
struct MailReader: FormatReader {
    /// Attachments of attachments are read down to this depth.
    private static let maxDepth = 3

    /// Whether the content opens as a message does that was delivered.
    static func opens(_ data: [UInt8]) -> Bool {
        let head = data.prefix(64)[...]
        let names: [StaticString] = ["return-path:", "received: ", "delivered-to:", "mime-version: 1", "x-mozilla-status:"]
        return names.contains { head.starts(withLowercase: $0) }
    }

    func read(_ file: SourceFile) throws(DocumentFailure) -> ExtractedText {
        var builder = TextBuilder()
        let title = append(file, in: 0..<file.bytes.count, to: &builder)
        return try builder.finish(title: title)
    }

    /// Writes a message.
    ///
    /// - Parameters:
    ///   - file: Where the message lies in that range.
    ///   - place: Where in a mailbox it stands.
    /// - Returns: Its subject.
    func append(
        _ file: SourceFile, in range: Range<Int>, place: String? = nil, to builder: inout TextBuilder
    ) -> String? {
        let message = MailParts(file.bytes, in: range)
        let headers = message.parts[0].headers
        let subject = headers.text("subject")
        if let subject { builder.append(.heading(level: 1), subject.utf8, locator: place) }
        let lines = ["From", "To", "Cc", "Date"].compactMap { name in headers.text(name.lowercased()).map { "\(name): \($0)" } }
        builder.append(.paragraph, lines.joined(separator: "\n").utf8, locator: place)
        let choice = MailChoice(message)
        for leaf in choice.texts { append(text: leaf, of: message, place: place, to: &builder) }
        for (number, leaf) in choice.attachments where !builder.isOverLimit {
            let part = message.parts[leaf]
            let name = part.filename ?? Self.defaultName(for: part.type)
            let locator = [place, "part \(number) › \(name)"].compactMap(\.self).joined(separator: " › ")
            let attachment = SourceFile(
                bytes: message.content(of: part), filename: name, depth: file.depth + 1,
                recognitionEnd: file.recognitionEnd)
            append(attachment: attachment, locator: locator, to: &builder)
        }
        return subject
    }

    private func append(text leaf: Int, of message: MailParts, place: String?, to builder: inout TextBuilder) {
        let part = message.parts[leaf]
        let text = MailText(message.content(of: part), part)
        builder.warnings += text.warnings
        for block in text.blocks { builder.append(block.kind, block.content, depth: block.depth, locator: place) }
    }

    // MARK: - Attachments

    private func append(attachment file: SourceFile, locator: String, to builder: inout TextBuilder) {
        guard !file.bytes.isEmpty else { return }
        guard file.depth <= Self.maxDepth else {
            return builder.warnings.append("\(file.filename) lies too deep within other messages and was not read.")
        }
        do {
            builder.append(try TextExtractor().extract(file), named: file.filename, locator: locator)
        } catch {
            builder.warnings.append("The attachment \(file.filename) was not read. \(error.message)")
        }
    }

    private static func defaultName(for type: String) -> String {
        switch type {
        case "message/rfc822": "message.eml"
        case "text/html": "attachment.html"
        case "text/csv": "attachment.csv"
        case "application/json": "attachment.json"
        default: "attachment"
        }
    }
}

extension TextBuilder {
    /// Appends all of another document under a heading with its name; its own headings go below that.
    mutating func append(_ document: ExtractedText, named name: String, locator: String) {
        append(.heading(level: 2), name.utf8, locator: locator)
        for block in document.blocks where !isOverLimit {
            var kind = block.kind
            if let level = block.headingLevel { kind = .heading(level: min(6, level + 2)) }
            let place = block.locator ?? block.page.map { "p. \($0)" }
            let within = place.map { "\(locator) › \($0)" } ?? locator
            append(kind, document.text.utf8(block.bytes), locator: within)
        }
        warnings += document.warnings.map { "\(name): \($0)" }
        quality.tables += document.quality.tables
    }
}

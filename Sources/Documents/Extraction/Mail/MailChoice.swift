/// Which parts of a message are its text and which are attached to it.
struct MailChoice {
    /// Indices of parts, in order.
    private(set) var texts: [Int] = []
    /// Numbers from 1 among all leaves, for people, and indices of parts.
    private(set) var attachments: [(number: Int, part: Int)] = []

    init(_ message: MailParts) {
        var pending = [0]
        var number = 0
        while let index = pending.popLast() {
            let part = message.parts[index]
            if part.type == "multipart/alternative", let best = Self.best(of: part, in: message) {
                pending.append(best)
                continue
            }
            guard part.children.isEmpty else {
                pending.append(contentsOf: part.children.reversed())
                continue
            }
            number += 1
            if !part.isAttachment { texts.append(index) } else if Self.isWorthReading(part) { attachments.append((number, index)) }
        }
    }

    /// Plain text keeps what people typed; HTML wins where the plain version is only a stub.
    private static func best(of alternative: MailParts.Part, in message: MailParts) -> Int? {
        let plain = alternative.children.first { message.parts[$0].type == "text/plain" }
        let rich = alternative.children.last { isRich($0, in: message) }
        guard let plain, let rich else { return plain ?? rich ?? alternative.children.last }
        guard let page = richText(rich, in: message) else { return plain }
        let text = MailText(message.content(of: message.parts[plain]), message.parts[plain])
        return text.size * 2 >= MailText(message.content(of: page), page).size ? plain : rich
    }

    private static func isRich(_ index: Int, in message: MailParts) -> Bool {
        let type = message.parts[index].type
        return type == "text/html" || type == "multipart/related" || type == "multipart/mixed"
    }

    /// The page of an HTML version, which may lie among its pictures.
    private static func richText(_ index: Int, in message: MailParts) -> MailParts.Part? {
        let part = message.parts[index]
        if part.type == "text/html" { return part }
        return part.children.lazy.map { message.parts[$0] }.first { $0.type == "text/html" }
    }

    /// Pictures within the text and signatures are no documents.
    private static func isWorthReading(_ part: MailParts.Part) -> Bool {
        let isInline = part.disposition?.value != "attachment"
        if part.type.hasPrefix("image/"), isInline || part.headers.text("content-id") != nil { return false }
        return ![
            "application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature",
            "message/delivery-status",
        ].contains(part.type)
    }
}

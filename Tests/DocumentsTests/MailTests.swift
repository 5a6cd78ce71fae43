import Documents
import Foundation
import Knowledge
import Testing

@Suite("A message gives")
struct MailTests {
    private func read(_ source: String, _ filename: String = "a.eml") throws -> ExtractedText {
        try TextExtractor().extract(Array(source.utf8), filename: filename)
    }

    private func blocks(_ source: String, _ filename: String = "a.eml") throws -> [String] { try shownBlocks(Array(source.utf8), filename) }

    @Test("subject, people, text and what is quoted")
    func plain() throws {
        let source = """
            From: =?iso-8859-1?Q?J=FCrgen?= <j@example.org>
            To: a@example.org,
             b@example.org
            Subject: =?utf-8?B?R3LDvMOf?= =?utf-8?B?ZSBhdXM=?= =?utf-8?Q?_K=C3?=
             =?utf-8?Q?=B6ln?=
            Date: Mon, 6 Sep 2010 05:25:34 -0400
            Content-Type: text/plain; charset=iso-8859-1
            Content-Transfer-Encoding: quoted-printable

            Gr=FC=DFe,
            sch=F6n=
            er Tag.

            > Frage?
            Antwort.
            """
        #expect(try blocks(source) == [
            "h1: Grüße aus Köln",
            "p: From: Jürgen <j@example.org>\nTo: a@example.org, b@example.org\nDate: Mon, 6 Sep 2010 05:25:34 -0400",
            "p: Grüße,\nschöner Tag.", "quote: > Frage?", "p: Antwort.",
        ])
        #expect(try read(source).title == "Grüße aus Köln")
    }

    @Test("the plain version of its text, or HTML where that is only a stub", arguments: [true, false])
    func alternatives(isStub: Bool) throws {
        let plain = isStub ? "Siehe HTML." : "Der ganze lange Text steht hier."
        let source = """
            Subject: Wahl\r
            Content-Type: multipart/alternative; boundary="=_x"\r
            \r
            Vorrede\r
            --=_x\r
            Content-Type: text/plain\r
            \r
            \(plain)\r
            --=_x\r
            Content-Type: multipart/related; boundary=y\r
            \r
            --y\r
            Content-Type: text/html; charset=utf-8\r
            Content-Transfer-Encoding: base64\r
            \r
            \(Data("<p>Der ganze <b>lange</b> Text steht hier.</p>".utf8).base64EncodedString())\r
            --y--\r
            --=_x--\r
            Nachrede
            """
        #expect(try blocks(source).last == "p: Der ganze lange Text steht hier.")
    }

    /// A message with one attachment of any kind.
    private func message(_ name: String, _ content: [UInt8], subject: String = "Post") -> String {
        """
        Subject: \(subject)
        MIME-Version: 1.0
        Content-Type: multipart/mixed; boundary=b

        --b

        Anbei.
        --b
        Content-Type: application/octet-stream
        Content-Disposition: attachment; \(name)
        Content-Transfer-Encoding: base64

        \(Data(content).base64EncodedString(options: .lineLength76Characters))
        --b--
        """
    }

    @Test("attachments under their names", arguments: [
        "filename=\"Preise.csv\"", "filename*=utf-8''Pr%65ise.csv", "filename*0=Prei; filename*1=se.csv",
        "filename=\"=?utf-8?Q?Preise.csv?=\"",
    ])
    func attachments(name: String) throws {
        let source = message(name, Array("# x\nArtikel,Preis\nEnte,3\nGans,4".utf8.dropFirst(4)))
        let text = try read(source)
        #expect(try blocks(source).suffix(2) == ["h2: Preise.csv", "table: Artikel | Preis\nEnte | 3\nGans | 4"])
        #expect(text.blocks.last?.locator == "part 2 › Preise.csv › lines 2–3")
    }

    @Test("what is attached to attached messages, but not for ever, and a warning for what cannot be read")
    func depth() throws {
        var source = message("filename=bild.png", [0x89, 0x50, 0x4E, 0x47, 13, 10])
        #expect(try read(source).warnings.first?.contains("bild.png") == true)
        for level in 0..<6 { source = message("filename=m\(level).eml", Array(source.utf8), subject: "Ebene \(level)") }
        let text = try read(source)
        #expect(text.text.contains("Ebene 3") && !text.text.contains("Ebene 1"))
        #expect(text.warnings.contains { $0.contains("too deep") })
        #expect(text.blocks.last?.locator?.hasPrefix("part 2 › m5.eml › part 2 › m4.eml") == true)
    }

    @Test("all messages of a mailbox")
    func mailbox() throws {
        let source = "From a@b Mon\nSubject: Eins\n\nText 1\n\nFrom c@d Tue\nSubject: Zwei\n\nText 2 From me\nFrom here on\n"
        #expect(try blocks(source, "a.mbox") == ["h1: Eins", "p: Text 1", "h1: Zwei", "p: Text 2 From me\nFrom here on"])
        #expect(try read(source, "a.mbox").blocks.map(\.locator) == ["message 1", "message 1", "message 2", "message 2"])
    }

    @Test("its text in any character set", arguments: [
        ("shift_jis", "日本語のメールです。"), ("iso-2022-jp", "日本語のメールです。"), ("euc-kr", "한국어 메일입니다."),
        ("gb18030", "这是一封邮件。"), ("koi8-r", "Это письмо."), ("windows-1250", "Zażółć gęślą jaźń"),
    ])
    func characterSets(name: String, text: String) throws {
        let source = Array("Subject: x\nContent-Type: text/plain; charset=\"\(name)\"\n\n".utf8) + Encoded.bytes(text, as: name)
        #expect(try TextExtractor().extract(source, filename: "a.eml").text.hasSuffix(text))
    }
}

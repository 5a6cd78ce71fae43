import Documents
import Glibc
import Knowledge
import Testing

/// Text in old encodings, by the C library.
enum Encoded {
    static func bytes(_ text: String, as name: String) -> [UInt8] {
        let handle = iconv_open(name, "UTF-8")
        defer { iconv_close(handle) }
        var input = Array(text.utf8).map { CChar(bitPattern: $0) }
        var output = [CChar](repeating: 0, count: input.count * 4 + 64)
        let size = output.count
        var left = input.count
        var room = size
        input.withUnsafeMutableBufferPointer { input in
            output.withUnsafeMutableBufferPointer { output in
                var (from, to) = (input.baseAddress, output.baseAddress)
                _ = iconv(handle, &from, &left, &to, &room)
                _ = iconv(handle, nil, nil, &to, &room)
            }
        }
        return output[..<(size - room)].map { UInt8(bitPattern: $0) }
    }
}

@Suite("Text without a declared encoding is read as")
struct EncodingTests {
    static let texts = [
        ("shift_jis", "これは日本語の文章です。東京は今日とても寒いので、コートを着てください。"),
        ("euc-jp", "これは日本語の文章です。東京は今日とても寒いので、コートを着てください。"),
        ("iso-2022-jp", "これは日本語の文章です。東京は今日とても寒いので、コートを着てください。"),
        ("euc-kr", "이것은 한국어로 쓴 글입니다. 오늘 서울은 매우 추우니 외투를 입으세요."),
        ("gb18030", "这是一篇用中文写的文章。今天北京很冷,请穿上大衣再出门。我们明天在学校见面。"),
        ("big5", "這是一篇用中文寫的文章。今天台北很冷,請穿上大衣再出門。我們明天在學校見面。"),
        ("windows-1251", "Это предложение на русском языке, чтобы проверить кодировку текста."),
        ("koi8-r", "Это предложение на русском языке, чтобы проверить кодировку текста."),
        ("cp866", "Это предложение на русском языке, чтобы проверить кодировку текста."),
        ("windows-1253", "Αυτή είναι μια πρόταση στα ελληνικά για να ελέγξουμε την κωδικοποίηση."),
        ("windows-1252", "Größere Äpfel für süße Grüße: 10 € – naïve Café-Besitzer, señor „Müller“."),
        ("windows-1250", "Zażółć gęślą jaźń. Dzień dobry, nazywam się Łukasz i mieszkam w Łodzi, gdzie świeci słońce."),
        ("utf-16", "Größe: 日本語"), ("utf-32", "Größe: 日本語 😀"),
    ]

    @Test("what it is in", arguments: texts)
    func guesses(name: String, text: String) throws {
        let read = try TextExtractor().extract(Encoded.bytes(text, as: name), filename: "a.txt")
        #expect(read.text == text)
    }

    @Test("what it is in, with U+FFFD where a character is broken or cut off")
    func damaged() throws {
        let text = "これは日本語の文章です。東京は今日とても寒いので、コートを着てください。"
        let whole = Encoded.bytes(String(repeating: text, count: 9), as: "cp932")
        let page = Array("<meta charset=shift_jis><p>".utf8)
        let cut = try TextExtractor().extract(page + whole + [0x81], filename: "a.html")
        #expect(cut.text == String(repeating: text, count: 9) + "\u{FFFD}")
        let broken = try TextExtractor().extract(page + whole + [0x81, 0x20] + whole, filename: "a.html")
        #expect(broken.text.contains("\u{FFFD}") && broken.text.hasSuffix(text))
        let rich = try TextExtractor().extract(Array(#"{\rtf1\ansi\ansicpg932 One \'81}"#.utf8), filename: "a.rtf")
        #expect(rich.text.hasPrefix("One"))
        _ = try TextExtractor().extract(Array(#"{\rtf1\ansi\ansicpg932 One \'81 two \'81\'82}"#.utf8), filename: "a.rtf")
    }

    @Test("what it is in, to the last letter where a mark might have followed it")
    func complete() throws {
        let page = Array("<meta charset=windows-1255><p>".utf8) + Encoded.bytes("שלום", as: "windows-1255")
        #expect(try TextExtractor().extract(page, filename: "a.html").text == "שלום")
    }
}

/// How the bytes of a part are written (RFC 2045, section 6). Damaged input gives what can be read of it.
enum TransferEncoding {
    static func decode(_ body: ArraySlice<UInt8>, as name: String) -> [UInt8] {
        switch name {
        case "base64": base64(body)
        case "quoted-printable": quotedPrintable(body)
        case "x-uuencode", "uuencode", "x-uue", "uue": uuencode(body)
        default: Array(body)
        }
    }

    static func base64(_ body: ArraySlice<UInt8>) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(body.count * 3 / 4)
        var bits: UInt32 = 0
        var count = 0
        for byte in body {
            let value = base64Values[Int(byte)]
            if value == 0xFF { continue }
            if value == 0xFE {
                // The end; some programs put several encoded pieces behind each other.
                appendRest(of: bits, count, to: &output)
                count = 0
                continue
            }
            bits = bits << 6 | UInt32(value)
            count += 1
            guard count == 4 else { continue }
            output.append(UInt8(truncatingIfNeeded: bits >> 16))
            output.append(UInt8(truncatingIfNeeded: bits >> 8))
            output.append(UInt8(truncatingIfNeeded: bits))
            count = 0
        }
        appendRest(of: bits, count, to: &output)
        return output
    }

    /// Two characters hold one byte, three hold two.
    private static func appendRest(of bits: UInt32, _ count: Int, to output: inout [UInt8]) {
        if count == 2 { output.append(UInt8(truncatingIfNeeded: bits >> 4)) }
        guard count == 3 else { return }
        output.append(UInt8(truncatingIfNeeded: bits >> 10))
        output.append(UInt8(truncatingIfNeeded: bits >> 2))
    }

    /// 0xFF for what is skipped, 0xFE for the padding.
    private static let base64Values: [UInt8] = {
        var values = [UInt8](repeating: 0xFF, count: 256)
        for (value, byte) in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8.enumerated() {
            values[Int(byte)] = UInt8(value)
        }
        values[Int(UInt8(ascii: "="))] = 0xFE
        return values
    }()

    static func quotedPrintable(_ body: ArraySlice<UInt8>) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(body.count)
        var index = body.startIndex
        while index < body.endIndex {
            guard body[index] == UInt8(ascii: "=") else {
                output.append(body[index])
                index += 1
                continue
            }
            let rest = body[(index + 1)...]
            if rest.count >= 2, let high = digit(rest[index + 1]), let low = digit(rest[index + 2]) {
                output.append(high << 4 | low)
                index += 3
                continue
            }
            // A line that ends in `=` goes on with the next.
            let line = rest.prefix { $0 == .space || $0 == .tab || $0 == 0x0D }
            if line.endIndex < body.endIndex, body[line.endIndex] == .newline {
                index = line.endIndex + 1
            } else {
                output.append(body[index])
                index += 1
            }
        }
        return output
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x37
        case 0x61...0x66: byte - 0x57
        default: nil
        }
    }

    /// Lines of a length and groups of four characters, six bits each above the space.
    private static func uuencode(_ body: ArraySlice<UInt8>) -> [UInt8] {
        var output: [UInt8] = []
        for line in body.split(separator: .newline) {
            guard let first = line.first, first > 0x20, first <= 0x60, !line.starts(with: "begin ".utf8), !line.starts(with: "end".utf8) else { continue }
            let length = Int((first - 0x20) & 0x3F)
            let values = line.dropFirst().filter { $0 >= 0x20 && $0 <= 0x60 }.map { UInt32(($0 - 0x20) & 0x3F) }
            var bytes: [UInt8] = []
            for group in stride(from: 0, to: values.count - 3, by: 4) {
                let bits = values[group] << 18 | values[group + 1] << 12 | values[group + 2] << 6 | values[group + 3]
                bytes += [UInt8(bits >> 16 & 0xFF), UInt8(bits >> 8 & 0xFF), UInt8(bits & 0xFF)]
            }
            output += bytes.prefix(length)
        }
        return output
    }
}

/// How large a picture says that it is, read from its head: small files may unpack to gigabytes.
///
/// PNG, GIF, JPEG, TIFF (every page counts) and WebP; other files have no size.
struct PictureSize: Equatable {
    private(set) var pixels = 0

    /// Segments of a JPEG file, or entries of a TIFF file, that are looked at.
    private static let maxSteps = 100_000

    /// nil where the head is of no picture, or is cut off.
    init?(of data: [UInt8]) {
        let head = PictureHead(data)
        switch (head.number(0, 4), head.number(8, 4)) {
        case (0x8950_4E47, _): add(head.number(16, 4), head.number(20, 4))
        case (0x4749_4638, _):
            let gif = PictureHead(data, isLittleEndian: true)
            add(gif.number(6, 2), gif.number(8, 2))
        case (0x4949_2A00, _): addPages(PictureHead(data, isLittleEndian: true))
        case (0x4D4D_002A, _): addPages(head)
        case (0x5249_4646, 0x5745_4250): addWebP(data)
        case (let start?, _) where start >> 8 == 0xFF_D8FF: addJPEG(head)
        default: return nil
        }
        guard pixels > 0 else { return nil }
    }

    private mutating func add(_ width: Int?, _ height: Int?) {
        guard let width, let height, width > 0, height > 0 else { return }
        let product = width.multipliedReportingOverflow(by: height)
        let sum = pixels.addingReportingOverflow(product.partialValue)
        pixels = product.overflow || sum.overflow ? .max : sum.partialValue
    }

    /// Segments of a mark and a length, up to the one that begins the picture (ITU T.81, B.2.2).
    private mutating func addJPEG(_ head: PictureHead) {
        var at = 2
        for _ in 0..<Self.maxSteps {
            guard let mark = head.number(at, 2), mark >> 8 == 0xFF else { return }
            let kind = mark & 0xFF
            if kind == 0xFF {
                at += 1
                continue
            }
            // All frames but tables of Huffman codes, extensions and arithmetic codes.
            if (0xC0...0xCF).contains(kind), ![0xC4, 0xC8, 0xCC].contains(kind) {
                return add(head.number(at + 7, 2), head.number(at + 5, 2))
            }
            guard let length = head.number(at + 2, 2), length >= 2 else { return }
            at += 2 + length
        }
    }

    /// Directories of twelve bytes an entry, each with the place of the next page's (TIFF 6.0, section 2).
    private mutating func addPages(_ head: PictureHead) {
        var place = head.number(4, 4) ?? 0
        var steps = 0
        while place > 0, steps < Self.maxSteps {
            guard let count = head.number(place, 2) else { return }
            var (width, height): (Int?, Int?)
            steps += 1
            for entry in 0..<count {
                steps += 1
                let at = place + 2 + 12 * entry
                guard let tag = head.number(at, 2), let type = head.number(at + 2, 2) else { return }
                let value = head.number(at + 8, type == 3 ? 2 : 4)
                if tag == 256 { width = value }
                if tag == 257 { height = value }
                if tag > 257 { break }
            }
            add(width, height)
            place = head.number(place + 2 + 12 * count, 4) ?? 0
        }
    }

    /// The lossy, the lossless and the extended kind (RFC 9649, section 2).
    private mutating func addWebP(_ data: [UInt8]) {
        let head = PictureHead(data, isLittleEndian: true)
        switch head.number(12, 4) {
        case 0x2038_5056: add(head.number(26, 2).map { $0 & 0x3FFF }, head.number(28, 2).map { $0 & 0x3FFF })
        case 0x4C38_5056:
            guard let bits = head.number(21, 4) else { return }
            add((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
        case 0x5838_5056: add(head.number(24, 3).map { $0 + 1 }, head.number(27, 3).map { $0 + 1 })
        default: break
        }
    }
}

/// Numbers at places of a file.
private struct PictureHead {
    private let data: [UInt8]
    private let isLittleEndian: Bool

    init(_ data: [UInt8], isLittleEndian: Bool = false) {
        (self.data, self.isLittleEndian) = (data, isLittleEndian)
    }

    /// At most four bytes; nil outside of the file.
    func number(_ offset: Int, _ length: Int) -> Int? {
        guard offset >= 0, offset <= data.count - length else { return nil }
        let bytes = data[offset..<offset + length]
        return (isLittleEndian ? Array(bytes.reversed()) : Array(bytes)).reduce(0) { $0 << 8 | Int($1) }
    }
}

import Foundation

/// A safetensors file: an 8-byte little-endian length, a JSON header of that length, then the tensors without gaps.
///
/// Everything the header claims is checked when the file is opened; what is read later stays inside the file.
struct Safetensors {
    /// One tensor as the header describes it; `bytes` counts from the start of the file.
    struct Tensor {
        var type: String
        var shape: [Int]
        var bytes: Range<Int>
    }

    /// Published headers are far below one megabyte; the format's own library stops at a hundred.
    static let maxHeaderBytes = 16 << 20
    private static let sizes = [
        "F64": 8, "I64": 8, "U64": 8, "F32": 4, "I32": 4, "U32": 4, "F16": 2, "BF16": 2, "I16": 2, "U16": 2, "I8": 1,
        "U8": 1, "BOOL": 1, "F8_E4M3": 1, "F8_E5M2": 1,
    ]

    let path: String
    let tensors: [String: Tensor]
    private let file: FileHandle

    /// - Throws: `ModelError` where the file is missing, cut short, or its header is not consistent.
    init(path: String) throws {
        guard let file = FileHandle(forReadingAtPath: path) else { throw ModelError.missing(file: path) }
        self.path = path
        self.file = file
        do {
            let size = Int(clamping: try file.seekToEnd())
            try file.seek(toOffset: 0)
            tensors = try Self.header(of: file, size: size)
        } catch let problem as Problem {
            throw ModelError.malformed(file: path, reason: problem.reason)
        } catch let error as DecodingError {
            throw ModelError.malformed(file: path, reason: "the header is not the JSON that it should be: \(error)")
        } catch let error as CocoaError {
            throw ModelError.malformed(file: path, reason: "cannot be read: \(error.localizedDescription)")
        }
    }

    private struct Problem: Error {
        var reason: String
        init(_ reason: String) { self.reason = reason }
    }

    // MARK: - The header

    private struct Header: Decodable {
        struct Entry: Decodable {
            var dtype: String
            var shape: [Int]
            var data_offsets: [Int]
        }

        struct Name: CodingKey {
            var stringValue: String
            var intValue: Int? { nil }
            init(stringValue: String) { self.stringValue = stringValue }
            init?(intValue: Int) { nil }
        }

        var entries: [String: Entry] = [:]

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: Name.self)
            for key in container.allKeys where key.stringValue != "__metadata__" {
                entries[key.stringValue] = try container.decode(Entry.self, forKey: key)
            }
        }
    }

    private static func header(of file: FileHandle, size: Int) throws -> [String: Tensor] {
        guard size >= 8, let prefix = try file.read(upToCount: 8), prefix.count == 8 else {
            throw Problem("shorter than its 8-byte prefix")
        }
        let claimed = prefix.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard claimed <= UInt64(maxHeaderBytes) else { throw Problem("claims a header of \(claimed) bytes") }
        let length = Int(claimed)
        guard length <= size - 8 else { throw Problem("cut short: \(size) bytes, header of \(length)") }
        guard let json = try file.read(upToCount: length), json.count == length else {
            throw Problem("the header is cut short")
        }
        let entries = try JSONDecoder().decode(Header.self, from: json).entries
        let start = 8 + length
        let tensors = try entries.reduce(into: [:]) { tensors, entry in
            tensors[entry.key] = try tensor(entry.key, entry.value, start: start, size: size)
        }
        try checkLayout(tensors, start: start, size: size)
        return tensors
    }

    private static func tensor(_ name: String, _ entry: Header.Entry, start: Int, size: Int) throws -> Tensor {
        guard let width = sizes[entry.dtype] else { throw Problem("\(name): unknown type \(entry.dtype)") }
        var bytes = width
        for length in entry.shape {
            let (product, overflow) = bytes.multipliedReportingOverflow(by: length)
            guard length >= 0, !overflow else { throw Problem("\(name): impossible shape \(entry.shape)") }
            bytes = product
        }
        let offsets = entry.data_offsets
        guard offsets.count == 2, offsets[0] >= 0, offsets[0] <= offsets[1] else {
            throw Problem("\(name): impossible offsets \(offsets)")
        }
        guard offsets[1] <= size - start else { throw Problem("cut short: \(name) ends behind the end of the file") }
        guard offsets[1] - offsets[0] == bytes else {
            throw Problem("\(name): \(entry.dtype) of shape \(entry.shape) is not \(offsets[1] - offsets[0]) bytes")
        }
        return Tensor(type: entry.dtype, shape: entry.shape, bytes: start + offsets[0]..<start + offsets[1])
    }

    /// The format wants every byte to belong to exactly one tensor.
    private static func checkLayout(_ tensors: [String: Tensor], start: Int, size: Int) throws {
        var end = start
        for (name, tensor) in tensors.sorted(by: { ($0.value.bytes.lowerBound, $0.value.bytes.upperBound)
            < ($1.value.bytes.lowerBound, $1.value.bytes.upperBound) }) {
            guard tensor.bytes.lowerBound >= end else { throw Problem("\(name) overlaps another tensor") }
            guard tensor.bytes.lowerBound == end else { throw Problem("a hole before \(name)") }
            end = tensor.bytes.upperBound
        }
        guard end == size else { throw Problem("\(size - end) bytes behind the last tensor") }
    }

    // MARK: - Tensors

    /// The tensor of that name and shape.
    ///
    /// - Throws: `ModelError` if there is none, or one of another shape.
    @discardableResult
    func tensor(_ name: String, shape: [Int]) throws -> Tensor {
        guard let tensor = tensors[name] else {
            throw ModelError.malformed(file: path, reason: "tensor \(name) is missing")
        }
        guard tensor.shape == shape else {
            throw ModelError.malformed(file: path, reason: "\(name): shape \(tensor.shape), expected \(shape)")
        }
        return tensor
    }

    /// The name of the tensor that is called so behind whatever the file puts in front of all names ("bert.").
    func name(endingIn name: String) -> String {
        tensors.keys.contains(name) ? name : tensors.keys.filter { $0.hasSuffix("." + name) }.min() ?? name
    }

    /// A tensor of F32, F16 or BF16 as floats.
    ///
    /// - Throws: As `read`.
    func floats(_ name: String, shape: [Int]) throws -> [Float] {
        // Before memory is taken: the shape comes from config.json, which may ask for any amount.
        try tensor(name, shape: shape)
        return try [Float](unsafeUninitializedCapacity: shape.reduce(1, *)) { buffer, count in
            guard let base = buffer.baseAddress else { return }
            try read(name, shape: shape, into: base)
            count = buffer.count
        }
    }

    /// Reads a tensor of F32, F16 or BF16 as floats.
    ///
    /// - Parameters:
    ///   - shape: What it must be.
    ///   - destination: At least as many floats.
    /// - Throws: `ModelError` if there is no such tensor, or of another shape or type, or with values that are not
    ///   finite, or reading fails.
    func read(_ name: String, shape: [Int], into destination: UnsafeMutablePointer<Float>) throws {
        let tensor = try tensor(name, shape: shape)
        guard let widen = Self.widening(tensor.type) else {
            throw ModelError.unsupported(file: path, reason: "\(name) of type \(tensor.type)")
        }
        var destination = UnsafeMutableRawPointer(destination)
        var offset = tensor.bytes.lowerBound
        while offset < tensor.bytes.upperBound {
            let data = try block(at: offset, count: min(tensor.bytes.upperBound - offset, 4 << 20))
            let end = data.withUnsafeBytes { widen($0, destination) }
            guard Self.areFinite(destination, until: end) else {
                throw ModelError.malformed(file: path, reason: "\(name) has values that are not finite numbers")
            }
            destination = end
            offset += data.count
        }
    }

    /// Whether all floats are numbers: neither infinite nor NaN, which have all bits of the exponent set.
    private static func areFinite(_ start: UnsafeMutableRawPointer, until end: UnsafeMutableRawPointer) -> Bool {
        var greatest: UInt32 = 0
        for offset in stride(from: 0, to: end - start, by: 4) {
            greatest = max(greatest, start.load(fromByteOffset: offset, as: UInt32.self) & 0x7FFF_FFFF)
        }
        return greatest < 0x7F80_0000
    }

    /// Exactly `count` bytes.
    private func block(at offset: Int, count: Int) throws -> Data {
        do {
            try file.seek(toOffset: UInt64(offset))
            if let data = try file.read(upToCount: count), data.count == count { return data }
        } catch {
            throw ModelError.malformed(file: path, reason: "cannot be read: \(error)")
        }
        throw ModelError.malformed(file: path, reason: "became shorter while it was read")
    }

    /// Turns little-endian bytes of a type into floats and returns the place behind the last.
    private static func widening(
        _ type: String
    ) -> ((UnsafeRawBufferPointer, UnsafeMutableRawPointer) -> UnsafeMutableRawPointer)? {
        switch type {
        case "F32":
            { bytes, destination in
                guard let source = bytes.baseAddress else { return destination }
                destination.copyMemory(from: source, byteCount: bytes.count)
                return destination + bytes.count
            }
        case "F16": { widen($0, $1, float(half:)) }
        case "BF16": { widen($0, $1) { Float(bitPattern: UInt32($0) << 16) } }
        default: nil
        }
    }

    private static func widen(
        _ bytes: UnsafeRawBufferPointer, _ destination: UnsafeMutableRawPointer, _ float: (UInt16) -> Float
    ) -> UnsafeMutableRawPointer {
        for index in 0..<bytes.count / 2 {
            let bits = UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: index * 2, as: UInt16.self))
            destination.storeBytes(of: float(bits), toByteOffset: index * 4, as: Float.self)
        }
        return destination + bytes.count * 2
    }

    /// IEEE half precision, by hand because `Float16` is not on every platform.
    static func float(half bits: UInt16) -> Float {
        let sign = UInt32(bits & 0x8000) << 16
        let exponent = UInt32(bits >> 10 & 0x1F)
        let fraction = UInt32(bits & 0x3FF)
        switch exponent {
        case 0:
            let magnitude = Float(fraction) * 0x1p-24
            return sign == 0 ? magnitude : -magnitude
        case 31: return Float(bitPattern: sign | 0x7F80_0000 | fraction << 13)
        default: return Float(bitPattern: sign | (exponent + 112) << 23 | fraction << 13)
        }
    }
}

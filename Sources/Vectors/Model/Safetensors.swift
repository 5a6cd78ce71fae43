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

    let tensors: [String: Tensor]
    private let file: ModelFile

    var path: String { file.path }

    /// - Throws: `ModelError` where the file is missing, cut short, or its header is not consistent.
    init(path: String) throws {
        file = try ModelFile(path: path)
        do {
            tensors = try Self.header(of: file)
        } catch let problem as Problem {
            throw ModelError.malformed(file: path, reason: problem.reason)
        } catch let error as DecodingError {
            throw ModelError.malformed(file: path, reason: "the header is not the JSON that it should be: \(error)")
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

    private static func header(of file: ModelFile) throws -> [String: Tensor] {
        let size = file.size
        guard size >= 8 else { throw Problem("shorter than its 8-byte prefix") }
        var claimed: UInt64 = 0
        try withUnsafeMutableBytes(of: &claimed) { try file.read(at: 0, into: $0) }
        claimed = UInt64(littleEndian: claimed)
        guard claimed <= UInt64(maxHeaderBytes) else { throw Problem("claims a header of \(claimed) bytes") }
        let length = Int(claimed)
        guard length <= size - 8 else { throw Problem("cut short: \(size) bytes, header of \(length)") }
        var json = Data(count: length)
        try json.withUnsafeMutableBytes { try file.read(at: 8, into: $0) }
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
        let floats = UnsafeMutableBufferPointer(start: destination, count: shape.reduce(1, *))
        var destination = UnsafeMutableRawPointer(destination)
        switch tensor.type {
        case "F32": try file.read(at: tensor.bytes.lowerBound, into: .init(start: destination, count: tensor.bytes.count))
        case "F16": try file.forEachBlock(of: tensor.bytes) { destination = Self.widen($0, destination, Self.float(half:)) }
        case "BF16":
            try file.forEachBlock(of: tensor.bytes) { block in
                destination = Self.widen(block, destination) { Float(bitPattern: UInt32($0) << 16) }
            }
        default: throw ModelError.unsupported(file: path, reason: "\(name) of type \(tensor.type)")
        }
        guard Self.areFinite(floats) else {
            throw ModelError.malformed(file: path, reason: "\(name) has values that are not finite numbers")
        }
    }

    /// Whether all floats are numbers: neither infinite nor NaN, which have all bits of the exponent set.
    private static func areFinite(_ floats: UnsafeMutableBufferPointer<Float>) -> Bool {
        floats.reduce(UInt32(0)) { max($0, $1.bitPattern & 0x7FFF_FFFF) } < 0x7F80_0000
    }

    /// Turns little-endian numbers of 16 bits into floats and returns the place behind the last.
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

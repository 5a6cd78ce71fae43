import Foundation
import Testing

@testable import Vectors

/// Where the tests find what they compare with.
enum Reference {
    /// The published all-MiniLM-L6-v2, where it is installed.
    static let model: String? = {
        let environment = ProcessInfo.processInfo.environment
        let models = environment["ALMANAC_MODELS"] ?? (environment["HOME"] ?? "") + "/.cache/almanac/models"
        let folder = models + "/all-MiniLM-L6-v2"
        return FileManager.default.fileExists(atPath: folder + "/model.safetensors") ? folder : nil
    }()

    static var isModelInstalled: Bool { model != nil }

    /// 660 texts with ids and vectors made by sentence-transformers, where the shared data is.
    static let sharedTexts = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../../shared/data/minilm-reference").standardizedFileURL.path

    static var hasSharedTexts: Bool {
        isModelInstalled && FileManager.default.fileExists(atPath: sharedTexts + "/texts.jsonl")
    }

    struct Text: Decodable {
        var text: String
        var token_ids: [Int32]
    }

    static func fixture(_ name: String) throws -> Data {
        let url = try #require(Bundle.module.url(forResource: "Fixtures", withExtension: nil))
        return try Data(contentsOf: url.appending(path: name))
    }

    static func texts(_ jsonLines: Data) throws -> [Text] {
        try jsonLines.split(separator: UInt8(ascii: "\n")).map { try JSONDecoder().decode(Text.self, from: Data($0)) }
    }

    /// Rows of `dimension` little-endian floats.
    static func vectors(_ data: Data, dimension: Int) -> [[Float]] {
        stride(from: 0, to: data.count / 4, by: dimension).map { row in
            (row..<row + dimension).map { index in
                data.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: index * 4, as: Float.self) }
            }
        }
    }
}

/// The cosine of two vectors of any length, in double precision.
func cosine(_ one: [Float], _ other: [Float]) -> Double {
    var (product, first, second) = (0.0, 0.0, 0.0)
    for (x, y) in zip(one, other) {
        product += Double(x) * Double(y)
        first += Double(x) * Double(x)
        second += Double(y) * Double(y)
    }
    return product / (first * second).squareRoot()
}

/// SplitMix64, so that a failing case can be repeated.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64
    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        return z ^ z >> 31
    }
}

extension Array where Element == Float {
    /// Normally distributed enough for kernels and cosines.
    static func random(_ count: Int, using generator: inout SeededGenerator) -> [Float] {
        (0..<count).map { _ in Float.random(in: -1...1, using: &generator) }
    }

    var unit: [Float] {
        let length = reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
        return map { Float(Double($0) / length) }
    }
}

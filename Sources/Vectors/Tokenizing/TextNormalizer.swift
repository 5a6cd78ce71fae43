import Foundation

/// What a tokenizer does to a text before it looks for pieces, step by step, as the `normalizer` of its file says.
struct TextNormalizer: Sendable {
    enum Step: Sendable {
        case map(CharacterMap)
        case strip(left: Bool, right: Bool)
        /// Replaces every run of at least `least` times the bytes, or the bytes themselves where `least` is nil.
        case replace([UInt8], least: Int?, with: [UInt8])
        case prepend([UInt8])
        /// Scalar by scalar, without rules for the ends of words.
        case lowercase
        /// This and the other three by Foundation's tables, which are newer than the reference's: they differ for
        /// some rare characters. BERT, MPNet and XLM-RoBERTa do not use them.
        case composed
        case decomposed
        case compatiblyComposed
        case compatiblyDecomposed
    }

    var steps: [Step] = []

    func callAsFunction(_ text: UnsafeBufferPointer<UInt8>) -> [UInt8] {
        guard let first = steps.first else { return Array(text) }
        return steps.dropFirst().reduce(Self.apply(first, text)) { bytes, step in
            bytes.withUnsafeBufferPointer { Self.apply(step, $0) }
        }
    }

    private static func apply(_ step: Step, _ text: UnsafeBufferPointer<UInt8>) -> [UInt8] {
        switch step {
        case .map(let map): map.normalise(text)
        case .strip(let left, let right): strip(text, left: left, right: right)
        case .replace(let pattern, let least, let new): replace(text, pattern, least: least, with: new)
        case .prepend(let prefix): text.isEmpty ? [] : prefix + text
        case .lowercase: lowercase(text)
        case .composed: Array(string(text).precomposedStringWithCanonicalMapping.utf8)
        case .decomposed: Array(string(text).decomposedStringWithCanonicalMapping.utf8)
        case .compatiblyComposed: Array(string(text).precomposedStringWithCompatibilityMapping.utf8)
        case .compatiblyDecomposed: Array(string(text).decomposedStringWithCompatibilityMapping.utf8)
        }
    }

    private static func string(_ text: UnsafeBufferPointer<UInt8>) -> String { String(decoding: text, as: UTF8.self) }

    private static func strip(_ text: UnsafeBufferPointer<UInt8>, left: Bool, right: Bool) -> [UInt8] {
        var (start, end) = (0, text.count)
        while right, end > 0 {
            let before = UTF8Bytes.before(text, end)
            guard UTF8Bytes.isSpace(UTF8Bytes.scalar(text, at: before).value) else { break }
            end = before
        }
        while left, start < end {
            let (scalar, length) = UTF8Bytes.scalar(text, at: start)
            guard UTF8Bytes.isSpace(scalar) else { break }
            start += length
        }
        return Array(text[start..<end])
    }

    private static func replace(
        _ text: UnsafeBufferPointer<UInt8>, _ pattern: [UInt8], least: Int?, with new: [UInt8]
    ) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(text.count)
        var position = 0
        while position < text.count {
            var end = position
            var times = 0
            while times < least.map({ _ in Int.max }) ?? 1, text[end...].starts(with: pattern) {
                end += pattern.count
                times += 1
            }
            if times >= least ?? 1 {
                result += new
                position = end
            } else {
                result.append(text[position])
                position += 1
            }
        }
        return result
    }

    private static func lowercase(_ text: UnsafeBufferPointer<UInt8>) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(text.count)
        var position = 0
        while position < text.count {
            let (value, length) = UTF8Bytes.scalar(text, at: position)
            position += length
            if value < 0x80 {
                let isCapital = (0x41...0x5A).contains(value)
                result.append(UInt8(truncatingIfNeeded: isCapital ? value + 0x20 : value))
            } else if let scalar = Unicode.Scalar(value) {
                result += scalar.properties.lowercaseMapping.utf8
            }
        }
        return result
    }
}

import Testing

@testable import Providers

@Suite("The token estimator")
struct TokenEstimatorTests {
    @Test(
        "is near what tokenizers say, and rather above",
        arguments: [
            // Counts of the llama-3 tokenizer.
            ("The quick brown fox jumps over the lazy dog.", 10), ("", 0), ("   ", 0),
            ("Hello, world!", 4), ("1234", 4),
        ])
    func nearness(text: String, tokens: Int) {
        let estimate = TokenEstimator.count(text[...])
        #expect(estimate >= tokens && estimate <= tokens * 3 / 2 + 1)
    }

    @Test("counts more for a longer text, and cuts at the last character that fits")
    func prefixes() {
        let text = "Größe 12: a_b — Привет, 世界 🐸!\nantidisestablishmentarianism"
        var last = 0
        for index in text.unicodeScalars.indices {
            let count = TokenEstimator.count(text[..<index])
            #expect(count >= last)
            last = count
        }
        for limit in 0...40 {
            let prefix = TokenEstimator.prefix(of: text[...], maxTokens: limit)
            #expect(text.hasPrefix(prefix) && TokenEstimator.count(prefix) <= limit)
            #expect(prefix.endIndex == text.endIndex || TokenEstimator.count(text[...prefix.endIndex]) > limit)
        }
    }
}

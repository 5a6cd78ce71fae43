import Foundation
import TestSupport
import Testing
import Vectors

@testable import almanac

@Suite("The settings of embedding")
struct EmbeddingSettingsTests {
    private func load(_ yaml: String, _ environment: [String: String] = [:]) throws -> EmbeddingSettings {
        let folder = try TemporaryDirectory()
        let path = folder.path + "/almanac.yaml"
        try yaml.write(toFile: path, atomically: true, encoding: .utf8)
        return try Configuration.load(.init(configurationFile: path), environment: environment).embedding
    }

    @Test("are the machine's best where nothing is said")
    func defaults() throws {
        let settings = try load("port: 1")
        #expect(settings.precision == nil && settings.kernel == nil && settings.threads == nil)
    }

    @Test("come from the file, and before it from the environment", arguments: Precision.allCases)
    func sources(precision: Precision) throws {
        let file = "embedding: {precision: \(precision.rawValue), kernel: portable, threads: 3}"
        var settings = try load(file)
        #expect(settings.precision == precision && settings.kernel == "portable" && settings.threads == 3)
        let kernel = try #require(LocalEmbedder.kernels.last)
        settings = try load(
            file,
            [
                "ALMANAC_EMBEDDING_PRECISION": "float32", "ALMANAC_KERNEL": kernel, "ALMANAC_EMBEDDING_THREADS": "5",
            ])
        #expect(settings.precision == .float32 && settings.kernel == kernel && settings.threads == 5)
    }

    @Test(
        "say what is wrong with them and what would be right",
        arguments: [
            ("embedding: {precision: float23}", "embedding.precision: 'float23'", "Did you mean 'float32'?"),
            ("embedding: {precision: fp16}", "embedding.precision: 'fp16'", "Known: float32, bfloat16, int8"),
            ("embedding: {kernel: portabel}", "embedding.kernel: 'portabel'", "Did you mean 'portable'?"),
            ("embedding: {kernel: sse}", "embedding.kernel: 'sse'", "Known: portable"),
            ("embedding: {threds: 2}", "embedding.threds", "Did you mean 'threads'?"),
            ("embedding: {threads: 0}", "embedding.threads", "between 1 and 256"),
            ("embedding: [1]", "embedding", "must be an object"),
        ])
    func mistakes(yaml: String, place: String, advice: String) {
        let error = #expect(throws: ConfigurationError.self) { try load(yaml) }
        #expect(error?.description.contains(place) == true && error?.description.contains(advice) == true)
    }

    @Test("are checked in the environment as well")
    func environment() {
        let error = #expect(throws: ConfigurationError.self) { try load("", ["ALMANAC_KERNEL": "avx1024"]) }
        #expect(error?.description.contains("ALMANAC_KERNEL") == true)
    }
}

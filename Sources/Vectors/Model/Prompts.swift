import Foundation

/// What a model wants in front of queries and of passages.
enum Prompts {
    private struct File: Decodable { var prompts: [String: String?]? }

    /// Models whose authors ask for prompts in words only, by what their names contain.
    private static let known: [(names: [String], prompts: [String: String])] = [
        // Wang et al., Text Embeddings by Weakly-Supervised Contrastive Pre-training, 2022, and their model cards.
        (["e5-small", "e5-base", "e5-large"], ["query": "query: ", "passage": "passage: "]),
        // Xiao et al., C-Pack, 2023, and their model cards.
        (
            ["bge-small-en", "bge-base-en", "bge-large-en"],
            ["query": "Represent this sentence for searching relevant passages: "]
        ),
    ]

    /// By role: from `almanac.json` if the folder has one, which is the owner's word; else as sentence-transformers
    /// saved them; else, for a model that is known by the name of its folder, what its authors ask for.
    ///
    /// - Throws: `ModelError` for a file that is not the JSON that it should be.
    static func read(_ path: String) throws -> [String: String] {
        let files = ModelFiles(path: path)
        if let own = try files.decodeIfPresent(File.self, "almanac.json")?.prompts {
            return own.compactMapValues { $0 }
        }
        let saved = try files.decodeIfPresent(File.self, "config_sentence_transformers.json")?.prompts ?? [:]
        let prompts = saved.compactMapValues { $0 }
        if prompts.contains(where: { !$0.value.isEmpty }) { return prompts }
        let name = URL(filePath: path).lastPathComponent.lowercased()
        guard !name.contains("instruct") else { return prompts }
        return known.first { $0.names.contains(where: name.contains) }?.prompts ?? prompts
    }
}

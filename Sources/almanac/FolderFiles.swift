import Crypto
import Foundation
import Knowledge

/// A file of a folder that a command works on.
struct FolderFile: Sendable {
    let url: URL
    /// Its path below the folder, with `/` on every system.
    let name: String

    /// SHA-256 of what it holds now.
    func sha256() throws -> String {
        SHA256.hash(data: try Data(contentsOf: url, options: .mappedIfSafe)).hexadecimal
    }

    /// The regular files of a folder and all below it in the order of their names, hidden ones left out.
    static func all(in folder: String) -> [FolderFile] {
        let names = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
        return names.sorted()
            .filter { name in !name.split(separator: "/").contains { $0.hasPrefix(".") } }
            .map { FolderFile(url: URL(fileURLWithPath: folder + "/" + $0), name: $0) }
            .filter { (try? $0.url.resourceValues(forKeys: [.isRegularFileKey]).isRegularFile) == true }
    }
}

extension APIClient {
    /// Waits until nothing of a knowledge base is being indexed any more.
    func waitUntilIndexed(_ base: String) async throws {
        var line = ProgressLine(unit: "documents indexed")
        var total = 0
        while true {
            let counts = try await get("/v1/vector_stores/\(base)")["file_counts"]
            let waiting = counts?["in_progress"]?.integer ?? 0
            total = max(total, waiting)
            line.show(total - waiting, of: total)
            guard waiting > 0 else { return line.end() }
            try await Task.sleep(for: .milliseconds(100))
        }
    }
}

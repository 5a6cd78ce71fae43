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

    /// The regular files of a folder and all below it in the order of their names, hidden ones left out. Links are not
    /// followed.
    ///
    /// - Throws: `CommandFailure` where some folder cannot be read: what is in it is not gone.
    static func all(in folder: String) throws -> [FolderFile] {
        var files: [FolderFile] = []
        var waiting = [""]
        while let below = waiting.popLast() {
            let place = folder + "/" + below
            do {
                for name in try FileManager.default.contentsOfDirectory(atPath: place) where !name.hasPrefix(".") {
                    let attributes = try FileManager.default.attributesOfItem(atPath: place + name)
                    let kind = attributes[.type] as? FileAttributeType
                    if kind == .typeDirectory { waiting.append(below + name + "/") }
                    guard kind == .typeRegular else { continue }
                    files.append(FolderFile(url: URL(fileURLWithPath: place + name), name: below + name))
                }
            } catch {
                throw CommandFailure(.failed, "The folder \(place) cannot be read: \(error.localizedDescription)")
            }
        }
        return files.sorted { $0.name < $1.name }
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

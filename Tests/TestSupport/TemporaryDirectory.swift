package import Foundation

/// A folder that goes away with the object.
package final class TemporaryDirectory: Sendable {
    package let path: String

    package init() throws {
        path = NSTemporaryDirectory() + "almanac-test-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { _ = try? FileManager.default.removeItem(atPath: path) }
}

/// Material that stands beside the repository on some machines, nil where it does not.
package func sharedMaterial(_ path: String, from file: String = #filePath) -> URL? {
    let url = URL(fileURLWithPath: file).deletingLastPathComponent()
        .appendingPathComponent("../../../shared/\(path)").standardizedFileURL
    return FileManager.default.fileExists(atPath: url.path) ? url : nil
}

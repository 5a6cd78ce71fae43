import Foundation

/// A folder that only this user can look into, for one document.
struct TemporaryFolder {
    let path: String

    init() throws {
        var template = Array((NSTemporaryDirectory() + "almanac-XXXXXX").utf8CString)
        guard mkdtemp(&template) != nil else { throw ReaderUnusable("no temporary folder could be made", errno) }
        path = template.withUnsafeBufferPointer {
            String(decoding: $0.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        }
    }

    /// Also removes what is in it; links are removed, not followed.
    func remove() {
        _ = try? FileManager.default.removeItem(atPath: path)  // what cannot be removed is the system's to clean up
    }
}

import ArgumentParser
import Crypto
import Foundation
import Knowledge

struct Add: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Add files and folders to a knowledge base.")

    @OptionGroup var session: Session

    @Argument(help: "Files, or folders to be searched with all they hold.")
    var paths: [String]

    @Option(name: .customLong("kb"), help: "The knowledge base, by name or id; made where the name is new.")
    var base: String

    @Flag(help: "Return only when everything is indexed, as is always done without a running server.")
    var wait = false

    @Flag(help: "Print the result as JSON.")
    var json = false

    func run() async throws {
        let files = try Self.files(at: paths)
        guard !files.isEmpty else { throw CommandFailure(.notFound, "There are no files at \(paths.joined(separator: ", ")).") }
        try await session.run { client in
            let id = try await client.knowledgeBase(named: base, orCreate: true)
            var report = Report()
            var line = ProgressLine(unit: "files")
            for (position, file) in files.enumerated() {
                line.show(position, of: files.count, file.lastPathComponent)
                await add(file, to: id, client, &report)
            }
            line.end()
            if wait || client.isTemporary { try await waitForAll(id, client, &report) }
            try present(report, id)
        }
    }

    /// What became of each file.
    private struct Report: Sendable {
        /// By file id: the document's name.
        var added: [String: String] = [:]
        var known: [String] = []
        var failed: [(name: String, reason: String)] = []
    }

    private func add(_ file: URL, to base: String, _ client: APIClient, _ report: inout Report) async {
        do {
            // The same content needs no second upload.
            let digest = SHA256.hash(data: try Data(contentsOf: file, options: .mappedIfSafe)).hexadecimal
            let present = try await client.get("/api/v1/knowledgebases/\(base)/documents?sha256=\(digest)")
            if let status = present["documents"]?.array?.first?["status"]?.string, status != "failed" {
                report.known.append(file.lastPathComponent)
                return
            }
            let document = try await client.upload(file, to: "/api/v1/knowledgebases/\(base)/documents")
            report.added[document["file_id"]?.string ?? ""] = file.lastPathComponent
        } catch {
            report.failed.append((file.lastPathComponent, "\(error)"))
        }
    }

    /// Asks until nothing is in progress any more; then names what failed.
    private func waitForAll(_ base: String, _ client: APIClient, _ report: inout Report) async throws {
        try await client.waitUntilIndexed(base)
        for document in try await client.list("/v1/vector_stores/\(base)/files")
        where document["status"] == "failed" {
            guard let name = report.added.removeValue(forKey: document["id"]?.string ?? "") else { continue }
            report.failed.append((name, document["last_error"]?["message"]?.string ?? "unknown"))
        }
    }

    private func present(_ report: Report, _ base: String) throws {
        if json {
            try Terminal.print(json: [
                "knowledgebase_id": .string(base), "added": .integer(report.added.count),
                "known": .integer(report.known.count),
                "failed": .array(report.failed.map { ["filename": .string($0.name), "message": .string($0.reason)] }),
            ])
        } else {
            Terminal.print(
                "\(report.added.count) added · \(report.known.count) already known · \(report.failed.count) failed")
            for failure in report.failed { Terminal.note("\(failure.name): \(failure.reason)") }
        }
        if !report.failed.isEmpty { throw ExitCode(CommandExit.partlyFailed.rawValue) }
    }

    /// Files at the paths, folders walked in the order of their names, hidden files left out.
    private static func files(at paths: [String]) throws -> [URL] {
        try paths.flatMap { path -> [URL] in
            var isFolder: ObjCBool = false
            guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
                throw CommandFailure(.notFound, "There is nothing at \(path).")
            }
            guard isFolder.boolValue else { return [URL(fileURLWithPath: path)] }
            return try FolderFile.all(in: path).map(\.url)
        }
    }
}

extension SHA256.Digest {
    var hexadecimal: String { map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() }
}

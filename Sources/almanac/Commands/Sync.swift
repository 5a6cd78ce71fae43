import ArgumentParser
import Foundation
import Knowledge

struct Sync: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make a knowledge base mirror a folder.",
        discussion: """
            Each file is known by its path below the folder. What is new is added, what has changed is replaced as soon \
            as its new content is indexed, and what has not changed costs nothing. Hidden files are left out.
            """)

    @OptionGroup var session: Session

    @Argument(help: "The folder.")
    var folder: String

    @Option(name: .customLong("kb"), help: "The knowledge base, by name or id; made where the name is new.")
    var base: String

    @Flag(help: "Remove the documents of files that are no longer there.")
    var delete = false

    @Flag(help: "Let --delete remove everything where the folder is empty, which may be a disk that is not mounted.")
    var allowEmpty = false

    @Flag(help: "Only tell what would be done.")
    var dryRun = false

    @Flag(help: "Return only when everything is indexed, as is always done without a running server.")
    var wait = false

    @Flag(help: "Print the result as JSON.")
    var json = false

    func run() async throws {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder), isFolder.boolValue else {
            throw CommandFailure(.notFound, "There is no folder at \(folder).")
        }
        let files = try FolderFile.all(in: folder)
        try await session.run { client in
            guard let id = try await target(client) else {
                return try Report(changes: files.map { ("add", $0.name) }).present(json, isPlan: true)
            }
            let plan = try await plan(files, id, client)
            if dryRun { return try plan.report.present(json, isPlan: true) }
            var report = plan.report
            await carryOut(plan, id, client, &report)
            if wait || client.isTemporary {
                try await client.waitUntilIndexed(id)
                report.failed += try await failures(id, client, but: report.failed.map(\.name))
            }
            try report.present(json, isPlan: false)
        }
    }

    /// The knowledge base; nil where there is none and none is to be made.
    private func target(_ client: APIClient) async throws -> String? {
        do {
            return try await client.knowledgeBase(named: base, orCreate: !dryRun)
        } catch let failure as CommandFailure where failure.exit == .notFound && dryRun {
            return nil
        }
    }

    /// What differs between folder and knowledge base.
    private struct Plan: Sendable {
        var puts: [FolderFile] = []
        var removals: [String] = []
        var report = Report()
    }

    /// What was done, or would be.
    private struct Report: Sendable {
        var changes: [(action: String, name: String)] = []
        var unchanged = 0
        var failed: [(name: String, reason: String)] = []

        init(changes: [(action: String, name: String)] = []) {
            self.changes = changes
        }

        func present(_ json: Bool, isPlan: Bool) throws {
            func count(_ action: String) -> Int { changes.count { $0.action == action } }
            if json {
                try Terminal.print(json: [
                    "added": .integer(count("add")), "replaced": .integer(count("replace")),
                    "deleted": .integer(count("delete")), "unchanged": .integer(unchanged), "dry_run": .bool(isPlan),
                    "changes": .array(changes.map { ["action": .string($0.action), "name": .string($0.name)] }),
                    "failed": .array(failed.map { ["name": .string($0.name), "message": .string($0.reason)] }),
                ])
            } else {
                if isPlan { for change in changes { Terminal.print("\(change.action)\t\(change.name)") } }
                let numbers = "\(count("add")) added · \(count("replace")) replaced · \(count("delete")) deleted"
                let line = "\(numbers) · \(unchanged) unchanged · \(failed.count) failed"
                isPlan ? Terminal.note("would be: " + line) : Terminal.print(line)
                for failure in failed { Terminal.note("\(failure.name): \(failure.reason)") }
            }
            if !failed.isEmpty { throw ExitCode(CommandExit.partlyFailed.rawValue) }
        }
    }

    private func plan(_ files: [FolderFile], _ base: String, _ client: APIClient) async throws -> Plan {
        var known: [String: JSONValue] = [:]
        for document in try await client.namedDocuments(base) { known[document["external_id"]?.string ?? ""] = document }
        var plan = Plan()
        for file in files {
            do {
                let there = known.removeValue(forKey: file.name)
                // One that failed may have been the server's fault, and is put again like one that was cancelled.
                let isThere = there.map { $0["status"] != "failed" && $0["status"] != "cancelled" } ?? false
                if isThere, try there?["sha256"]?.string == file.sha256() {
                    plan.report.unchanged += 1
                    continue
                }
                plan.puts.append(file)
                plan.report.changes.append((there == nil ? "add" : "replace", file.name))
            } catch {
                plan.report.failed.append((file.name, "\(error)"))
            }
        }
        if delete {
            guard !files.isEmpty || known.isEmpty || allowEmpty else {
                throw CommandFailure(
                    .conflict, "\(folder) is empty. To remove all \(known.count) documents, add --allow-empty.")
            }
            plan.removals = known.keys.sorted()
            plan.report.changes += plan.removals.map { ("delete", $0) }
        }
        return plan
    }

    private func carryOut(_ plan: Plan, _ base: String, _ client: APIClient, _ report: inout Report) async {
        var line = ProgressLine(unit: "files")
        let total = plan.puts.count + plan.removals.count
        func attempt(_ number: Int, _ name: String, _ work: () async throws -> JSONValue) async {
            line.show(number, of: total, name)
            do {
                _ = try await work()
            } catch {
                report.changes.removeAll { $0.name == name }
                report.failed.append((name, "\(error)"))
            }
        }
        for (number, file) in plan.puts.enumerated() {
            await attempt(number, file.name) { try await client.put(file.url, to: Self.path(file.name, base)) }
        }
        for (number, name) in plan.removals.enumerated() {
            await attempt(plan.puts.count + number, name) { try await client.delete(Self.path(name, base)) }
        }
        line.end()
    }

    private func failures(
        _ base: String, _ client: APIClient, but told: [String]
    ) async throws -> [(name: String, reason: String)] {
        try await client.namedDocuments(base).filter { $0["status"] == "failed" }.compactMap { document in
            let name = document["external_id"]?.string ?? ""
            return told.contains(name) ? nil : (name, document["error"]?["message"]?.string ?? "unknown")
        }
    }

    private static func path(_ name: String, _ base: String) -> String {
        "/api/v1/knowledgebases/\(base)/documents/\(APIClient.segment(name))"
    }
}

extension APIClient {
    /// All documents that have names of their owner's.
    func namedDocuments(_ base: String) async throws -> [JSONValue] {
        var documents: [JSONValue] = []
        var after = ""
        while true {
            let page = try await get("/api/v1/knowledgebases/\(base)/external_ids?limit=1000\(after)")
            documents += page["documents"]?.array ?? []
            guard page["has_more"] == true, let last = page["last_id"]?.string else { return documents }
            after = "&after=" + Self.segment(last)
        }
    }

    /// A text as one segment of a path, or as a value of a query.
    static func segment(_ text: String) -> String {
        let plain = CharacterSet(charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~")
        return text.addingPercentEncoding(withAllowedCharacters: plain) ?? text
    }
}

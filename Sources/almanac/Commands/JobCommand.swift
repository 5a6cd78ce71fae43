import ArgumentParser
import Foundation
import Knowledge

struct JobCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "job", abstract: "List, watch, cancel and retry background work.",
        subcommands: [List.self, Show.self, Watch.self, Cancel.self, Retry.self])

    struct List: AsyncParsableCommand {
        @OptionGroup var session: Session
        @Option(help: "Only jobs that are queued, running, completed, failed or cancelled.") var status: String?
        @Option(help: "At most so many, the newest first.") var limit = 20
        @Flag(help: "Print the result as JSON.") var json = false

        func run() async throws {
            try await session.run { client in
                let filter = status.map { "&status=" + APIClient.segment($0) } ?? ""
                let jobs = try await client.get("/api/v1/jobs?limit=\(limit)\(filter)")["data"]?.array ?? []
                if json { return try Terminal.print(json: .array(jobs)) }
                Terminal.table(["ID", "STATUS", "STAGE", "CHUNKS", "DOCUMENT", "MESSAGE"], jobs.map(row))
            }
        }

        private func row(_ job: JSONValue) -> [String] {
            let chunks = job["progress"]?["chunks"]
            return [
                job["id"]?.string ?? "", job["status"]?.string ?? "", job["progress"]?["stage"]?.string ?? "",
                "\(chunks?["done"]?.integer ?? 0)/\(chunks?["total"]?.integer ?? 0)",
                job["document_id"]?.string ?? "", job["message"]?.string ?? "",
            ]
        }
    }

    struct Show: AsyncParsableCommand {
        @OptionGroup var session: Session
        @Argument(help: "The job's id.") var job: String

        func run() async throws {
            try await session.run { client in try Terminal.print(json: await client.get(JobCommand.path(job))) }
        }
    }

    struct Watch: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Wait until a job ends; fails unless it was completed.")
        @OptionGroup var session: Session
        @Argument(help: "The job's id.") var job: String
        @Flag(help: "Print the job as JSON at its end.") var json = false

        func run() async throws {
            try await session.run { client in
                try JobCommand.report(try await JobCommand.follow(job, client), asJSON: json)
            }
        }
    }

    struct Cancel: AsyncParsableCommand {
        @OptionGroup var session: Session
        @Argument(help: "The job's id.") var job: String

        func run() async throws {
            try await session.run { client in
                Terminal.print(try await client.post(JobCommand.path(job) + "/cancel", [:])["status"]?.string ?? "")
            }
        }
    }

    struct Retry: AsyncParsableCommand {
        @OptionGroup var session: Session
        @Argument(help: "Ids of jobs that failed or were cancelled.") var jobs: [String] = []
        @Flag(help: "Every job that failed.") var failed = false

        func validate() throws {
            guard failed != jobs.isEmpty else { return }
            throw ValidationError("Give the ids of jobs, or --failed.")
        }

        func run() async throws {
            try await session.run { client in
                let ids = failed ? try await client.failedJobs() : jobs
                var retried = 0
                for id in ids {
                    do {
                        _ = try await client.post(JobCommand.path(id) + "/retry", [:])
                        retried += 1
                    } catch let failure as CommandFailure where failed && failure.exit == .conflict {
                        // Its document is gone, or a later job has taken it up.
                    }
                }
                Terminal.print("\(retried) queued")
            }
        }
    }

    /// Shows how far a job is until it has ended.
    /// - Returns: The job at its end.
    static func follow(_ job: String, _ client: APIClient) async throws -> JSONValue {
        var line: ProgressLine?
        while true {
            let now = try await client.get(path(job))
            let (status, progress) = (now["status"]?.string ?? "", now["progress"])
            if ["completed", "failed", "cancelled"].contains(status) {
                line?.end()
                return now
            }
            let unit = now["kind"] == "reindex" ? "documents" : "chunks"
            let count = progress?[unit]
            var shown = line ?? ProgressLine(unit: unit)
            shown.show(
                count?["done"]?.integer ?? 0, of: count?["total"]?.integer ?? 0, progress?["stage"]?.string ?? "",
                secondsLeft: progress?["seconds_left"]?.double)
            line = shown
            try await Task.sleep(for: .milliseconds(200))
        }
    }

    /// Prints what became of a job; fails unless it was completed.
    static func report(_ ended: JSONValue, asJSON: Bool) throws {
        let status = ended["status"]?.string ?? ""
        if asJSON {
            try Terminal.print(json: ended)
        } else {
            Terminal.print([status, ended["message"]?.string].compactMap { $0 }.joined(separator: ": "))
        }
        if status != "completed" { throw ExitCode(CommandExit.failed.rawValue) }
    }

    static func path(_ job: String) -> String { "/api/v1/jobs/" + APIClient.segment(job) }
}

extension APIClient {
    fileprivate func failedJobs() async throws -> [String] {
        var ids: [String] = []
        var after = ""
        while true {
            let page = try await get("/api/v1/jobs?status=failed&limit=100\(after)")
            ids += page["data"]?.array?.compactMap { $0["id"]?.string } ?? []
            guard page["has_more"] == true, let last = page["last_id"]?.string else { return ids }
            after = "&after=\(last)"
        }
    }
}

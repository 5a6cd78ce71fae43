import ArgumentParser
import Foundation
import Knowledge
import Storage
import Vectors

struct Fsck: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Look through all stored data for damage.",
        discussion: """
            Reads every row, vector and index segment and compares them with their checksums and with one another. \
            Without --repair it mends nothing. The server must not run meanwhile.
            """)

    @OptionGroup var place: Place

    @Flag(help: "Also hash every original and work out every index segment anew.")
    var deep = false

    @Flag(help: "Make anew what is derived from other rows, and remove what belongs to nothing.")
    var repair = false

    @Flag(help: "Print the result as JSON.")
    var json = false

    func run() async throws {
        let configuration = try place.configuration()
        guard FileManager.default.fileExists(atPath: configuration.dataDirectory + "/almanac.db") else {
            throw CommandFailure(.notFound, "There is no database in \(configuration.dataDirectory).")
        }
        let database = try Database.open(directory: configuration.dataDirectory)
        let report = try await database.check(depth(database, threads: configuration.threads), mends: repair)
        try await database.close()
        if json { try Terminal.print(json: report.json) } else { show(report) }
        if report.isSound || report.isMended { return }
        let isPartlyMended = report.problems.contains(where: \.isMended)
        throw ExitCode((isPartlyMended ? CommandExit.partlyFailed : .failed).rawValue)
    }

    private func depth(_ database: Database, threads: Int) -> CheckDepth {
        guard deep else { return .quick }
        let audit = SegmentAudit(store: database, workers: Workers(count: threads, name: "fsck"))
        return CheckDepth(readsFiles: true) { try await audit.problem(with: $1, of: $0) }
    }

    private func show(_ report: CheckReport) {
        for problem in report.problems {
            Terminal.print("\(problem.part.rawValue): \(problem.what)\(problem.isMended ? " (mended)" : "")")
        }
        Terminal.note(
            "\(report.vectors) vectors, \(report.segments) segments and \(report.files) originals: "
                + (report.isSound ? "no damage." : report.isMended ? "all damage mended." : "damaged."))
        guard !report.isMended else { return }
        if report.problems.contains(where: { !$0.isMended && $0.part.isDerived }), !repair {
            Terminal.note("What is wrong with keywords and segments goes with almanac fsck --repair.")
        }
        if report.problems.contains(where: { !$0.part.isDerived }) {
            Terminal.note(
                "Remove the documents named and add them again, or restore a backup; the others can be used as ever.")
        }
    }
}

extension CheckReport.Problem.Part {
    fileprivate var isDerived: Bool { self == .keywords || self == .segments }
}

extension CheckReport {
    fileprivate var json: JSONValue {
        [
            "sound": .bool(isSound), "vectors": .integer(vectors), "segments": .integer(segments),
            "files": .integer(files),
            "problems": .array(
                problems.map {
                    ["part": .string($0.part.rawValue), "what": .string($0.what), "mended": .bool($0.isMended)]
                }),
        ]
    }
}

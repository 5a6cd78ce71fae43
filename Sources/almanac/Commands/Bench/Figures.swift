import Foundation
import Knowledge
import Vectors

/// What a benchmark of the index has measured, under stable names in the order in which it is printed.
struct Figures: Sendable {
    typealias Figure = (name: String, value: JSONValue)

    private var rows: [Figure]

    init(_ rows: [Figure] = []) { self.rows = rows }

    static func += (figures: inout Figures, more: [Figure]) { figures.rows += more }

    /// Prints a table or JSON.
    func show(asJSON json: Bool) throws {
        let rounded = rows.map { ($0.name, Self.rounded($0.value)) }
        if json { return try Terminal.print(json: .object(Dictionary(uniqueKeysWithValues: rounded))) }
        Terminal.table(["WHAT", "FIGURE"], rounded.map { [$0, Self.text($1)] })
    }

    private static func rounded(_ value: JSONValue) -> JSONValue {
        guard case .number(let number) = value else { return value }
        return .number(number.rounded(to: 4))
    }

    private static func text(_ value: JSONValue) -> String {
        switch value {
        case .string(let text): text
        case .bool(let flag): flag ? "yes" : "no"
        default: value.integer.map { "\($0)" } ?? value.double.map { "\($0)" } ?? ""
        }
    }

    /// Tells what is wrong with vectors as a user can act on it.
    static func explaining(_ work: () async throws -> Void) async throws {
        do {
            try await work()
        } catch let failure as NumpyFile.Failure {
            throw CommandFailure(.failed, "\(failure)".prefix(1).uppercased() + "\(failure).".dropFirst())
        } catch let error as VectorIndexError {
            throw CommandFailure(.failed, "These vectors cannot be searched: \(error).")
        }
    }

    /// What the process holds in memory; 0 where the system does not say.
    static var residentBytes: Int {
        guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8) else { return 0 }
        let pages = text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
    }
}

import ArgumentParser
import Foundation
import Knowledge
import Service

struct CompareEvaluations: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare", abstract: "Tell whether two runs differ by more than chance.")

    @Argument(help: "What eval --output saved of the first run.")
    var first: String

    @Argument(help: "What it saved of the second.")
    var second: String

    @Flag(help: "Print the result as JSON.")
    var json = false

    func run() async throws {
        let (before, after) = (try QueryResult.metrics(from: first), try QueryResult.metrics(from: second))
        let shared = before.keys.filter { after[$0] != nil }.sorted()
        guard !shared.isEmpty else { throw CommandFailure(.failed, "The two runs have no question in common.") }
        let dropped = before.count + after.count - 2 * shared.count
        if dropped > 0 { Terminal.note("\(dropped) questions are in one of the runs only and are left out.") }
        let names = Set(shared.flatMap { before[$0]?.keys.map { $0 } ?? [] }).sorted()
        let comparisons = names.compactMap { name -> (String, PairedComparison)? in
            let pairs = shared.compactMap { id in
                before[id]?[name].flatMap { one in after[id]?[name].map { (one, $0) } }
            }
            return PairedComparison(pairs).map { (name, $0) }
        }
        if json {
            try Terminal.print(json: .object([
                "queries": .integer(shared.count),
                "metrics": .object(Dictionary(comparisons.map { ($0, $1.json) }, uniquingKeysWith: { one, _ in one })),
            ]))
        } else {
            Terminal.table(
                ["metric", "difference", "95 % interval", "verdict"],
                comparisons.map { name, comparison in
                    [
                        name, comparison.difference.signed,
                        "\(comparison.interval.lowerBound.signed) … \(comparison.interval.upperBound.signed)",
                        comparison.verdict.rawValue,
                    ]
                })
        }
    }
}

extension PairedComparison {
    fileprivate var json: JSONValue {
        [
            "difference": .number(difference.rounded(to: 4)), "interval": interval.json,
            "verdict": .string(verdict.rawValue),
        ]
    }
}

extension ClosedRange<Double> {
    var json: JSONValue { [.number(lowerBound.rounded(to: 4)), .number(upperBound.rounded(to: 4))] }
}

extension Double {
    func rounded(to digits: Int) -> Double {
        let scale = pow(10, Double(digits))
        return (self * scale).rounded() / scale
    }

    /// With sign and four digits.
    fileprivate var signed: String { String(format: "%+.4f", self) }
}

import Foundation
import Knowledge
import Service

/// The figures of a run, for programs and for people.
struct EvaluationReport: Sendable {
    var mode: Ranking.Mode
    var secondsIndex: Double
    var isReused: Bool
    var documents: Int
    var chunks: Int
    var results: [QueryResult]
    var secondsQuery: Double
    var spans: SpanEvaluation.Outcome?
    var refusals: [RefusalEvaluation.Outcome] = []

    init(mode: Ranking.Mode, index: EvaluationIndex, ranking: RankingEvaluation.Outcome) {
        self.mode = mode
        secondsIndex = index.seconds
        isReused = index.isReused
        documents = index.documents.count
        chunks = index.chunkCount
        results = ranking.results
        secondsQuery = ranking.seconds
    }

    private func values(of metric: RankingMetric) -> [Double] {
        results.map { $0.metrics[metric.rawValue] ?? 0 }
    }

    private func latency(_ share: Double) -> Double { results.map(\.milliseconds).percentile(share) }

    // MARK: - For programs

    var json: JSONValue {
        var fields: [String: JSONValue] = [
            "mode": .string(mode.rawValue), "queries": .integer(results.count),
            "seconds_index": .number(secondsIndex.rounded(to: 3)),
            "seconds_query": .number(secondsQuery.rounded(to: 3)),
            "p50_ms": .number(latency(0.5).rounded(to: 3)), "p99_ms": .number(latency(0.99).rounded(to: 3)),
            "documents": .integer(documents), "chunks": .integer(chunks), "index_reused": .bool(isReused),
        ]
        for metric in RankingMetric.allCases {
            let values = values(of: metric)
            fields[metric.rawValue] = .number(values.mean.rounded(to: 6))
            fields[metric.rawValue + "_interval"] = Bootstrap.interval(of: values)?.json
        }
        fields["spans"] = spans?.json
        for outcome in refusals { fields[outcome.name] = outcome.json }
        return .object(fields)
    }

    // MARK: - For people

    func print() {
        let ranking = RankingMetric.allCases.map { metric in
            let values = values(of: metric)
            let interval = Bootstrap.interval(of: values).map { $0.text } ?? ""
            return [metric.rawValue, values.mean.text, interval]
        }
        Terminal.table(["metric", "mean", "95 % interval"], ranking + spanRows + refusals.flatMap(\.rows))
        Terminal.note(
            "\(mode.rawValue) · \(results.count) questions · \(documents) documents, \(chunks) chunks "
                + (isReused ? "(index kept)" : "indexed in \(secondsIndex.rounded(to: 1)) s")
                + " · p50 \(latency(0.5).rounded(to: 2)) ms · p99 \(latency(0.99).rounded(to: 2)) ms")
    }

    private var spanRows: [[String]] {
        spans.map { spans in
            spans.measures.map { name, values in
                ["spans: \(name)", values.mean.text, Bootstrap.interval(of: values).map { $0.text } ?? ""]
            }
        } ?? []
    }
}

extension SpanEvaluation.Outcome {
    /// What is averaged, by name.
    var measures: [(String, [Double])] {
        [
            ("recall", scores.map(\.recall)), ("precision", scores.map(\.precision)),
            ("iou", scores.map(\.intersectionOverUnion)), ("all_whole", scores.map { $0.isWhole ? 1 : 0 }),
        ]
    }

    var json: JSONValue {
        var fields: [String: JSONValue] = [
            "queries": .integer(scores.count), "skipped": .integer(skipped),
            "characters_returned": .number(scores.map { Double($0.returned) }.mean.rounded(to: 1)),
        ]
        for (name, values) in measures {
            fields[name] = .number(values.mean.rounded(to: 6))
            fields[name + "_interval"] = Bootstrap.interval(of: values)?.json
        }
        return .object(fields)
    }
}

extension RefusalEvaluation.Outcome {
    var json: JSONValue {
        var fields: [String: JSONValue] = [
            "queries": .integer(questions), "refused": .number(scores.refused.rounded(to: 6)),
            "falsely_refused": .number(scores.falselyRefused.rounded(to: 6)),
            "precision": .number(scores.precision.rounded(to: 6)), "auc": .number(curve.area.rounded(to: 6)),
            "roc": .array(curve.thinned(to: 41).map(\.json)),
        ]
        fields["at_5_percent_falsely_refused"] = curve.best(falselyRefusing: 0.05)?.json
        return .object(fields)
    }

    var rows: [[String]] {
        var rows = [
            ["\(name): refused", scores.refused.text, ""], ["\(name): falsely refused", scores.falselyRefused.text, ""],
            ["\(name): area under the curve", curve.area.text, ""],
        ]
        if let best = curve.best(falselyRefusing: 0.05) {
            rows.append(["\(name): refused at 5 % falsely refused", best.refused.text, "threshold \(best.threshold.text)"])
        }
        return rows
    }
}

extension RefusalCurve.Point {
    /// The threshold that refuses everything is null: no score reaches it.
    fileprivate var json: JSONValue {
        [
            "threshold": threshold.isFinite ? .number(threshold.rounded(to: 6)) : .null,
            "refused": .number(refused.rounded(to: 6)), "falsely_refused": .number(falselyRefused.rounded(to: 6)),
        ]
    }
}

extension Double {
    /// Four digits.
    var text: String { String(format: "%.4f", self) }
}

extension ClosedRange<Double> {
    fileprivate var text: String { "\(lowerBound.text) … \(upperBound.text)" }
}

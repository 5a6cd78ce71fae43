import Foundation
import Knowledge
import OpenAIWire
import Service

/// What came of one question: a line of the file that `compare` reads.
struct QueryResult: Sendable {
    var id: String
    var metrics: [String: Double]
    /// The best passage's score, 0 where nothing was found.
    var topScore: Double
    var milliseconds: Double
    /// The best documents, for looking at what went wrong.
    var ranking: [String]

    var json: JSONValue {
        var fields = metrics.mapValues { JSONValue.number($0) }
        fields["_id"] = .string(id)
        fields["top_score"] = .number(topScore)
        fields["ms"] = .number(milliseconds)
        fields["ranking"] = .array(ranking.prefix(10).map(JSONValue.string))
        return .object(fields)
    }

    static func save(_ results: [QueryResult], to path: String) throws {
        var data = Data()
        for result in results { data += try result.json.json() + Data("\n".utf8) }
        do {
            try data.write(to: URL(fileURLWithPath: path))
        } catch {
            throw CommandFailure(.failed, "\(path) cannot be written: \(error.localizedDescription)")
        }
    }

    /// Metrics by question, as another run saved them.
    static func metrics(from path: String) throws -> [String: [String: Double]] {
        let lines = try EvaluationInput.read(path) { file throws(EvaluationFileError) in try file.objects() }
        var results: [String: [String: Double]] = [:]
        for (number, line) in lines {
            guard let id = line["_id"]?.string, let fields = line.object else {
                throw CommandFailure(.failed, "\(path), line \(number): '_id' is missing")
            }
            results[id] = fields.compactMapValues(\.double).filter { $0.key != "ms" && $0.key != "top_score" }
        }
        return results
    }
}

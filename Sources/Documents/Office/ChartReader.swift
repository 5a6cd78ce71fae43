import Knowledge

/// Reads the numbers behind a chart (DrawingML): its title, then a table with a row for each category.
final class ChartReader: XMLHandler {
    private struct Series {
        var name = ""
        var categories: [Int: String] = [:]
        var values: [Int: String] = [:]
    }

    private enum Place { case name, categories, values }

    private var title: [UInt8] = []
    private var series: [Series] = []
    private var place: Place?
    private var point = 0
    private var isInTitle = false
    private var current: [UInt8]?
    /// Charts show some hundred points at most; more are measurements that nobody reads.
    private static let maxPoints = 1000, maxSeries = 100

    /// The title and the table; nothing for a chart without both.
    var items: [BlockFlow.Paragraph] {
        var items: [BlockFlow.Paragraph] = [.init(kind: .paragraph, content: title)]
        let points = Set(series.flatMap { Array($0.categories.keys) + Array($0.values.keys) }).sorted()
        guard !points.isEmpty else { return items }
        let categories = series.first { !$0.categories.isEmpty }?.categories ?? [:]
        var rows = [[""] + series.map(\.name)]
        for point in points { rows.append([categories[point] ?? ""] + series.map { $0.values[point] ?? "" }) }
        let lines = rows.map { $0.joined(separator: " | ") }.joined(separator: "\n")
        items.append(.init(kind: .table, content: Array(lines.utf8)))
        return items
    }

    func start(_ name: String, _ attributes: XMLAttributes) -> XMLReader.Content {
        switch name {
        case "c:title": isInTitle = series.isEmpty
        case "c:ser":
            guard series.count < Self.maxSeries else { return .skip }
            series.append(Series())
        case "c:tx": if !series.isEmpty { place = .name }
        case "c:cat", "c:xVal": place = .categories
        case "c:val", "c:yVal": place = .values
        case "c:pt": point = attributes.number("idx") ?? 0
        case "c:v", "a:t": current = []
        case "c:dLbls", "c:txPr", "c:spPr", "c:valAx", "c:catAx", "mc:Fallback": return .skip
        default: break
        }
        return .read
    }

    func end(_ name: String) {
        switch name {
        case "c:title": isInTitle = false
        case "c:tx", "c:cat", "c:xVal", "c:val", "c:yVal": place = nil
        case "a:t":
            if isInTitle { title += current ?? [] }
            current = nil
        case "c:v":
            if let current { add(current[...].string.onOneLine) }
            current = nil
        default: break
        }
    }

    func text(_ text: UnsafeBufferPointer<UInt8>) {
        current?.append(contentsOf: text)
    }

    private func add(_ value: String) {
        guard let place, let last = series.indices.last, point < Self.maxPoints else { return }
        switch place {
        case .name: series[last].name += value
        case .categories: series[last].categories[point] = value
        case .values: series[last].values[point] = CellFormat.number(value)
        }
    }
}

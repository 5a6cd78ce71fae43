import Foundation
import Knowledge

/// How the numbers of a workbook are shown: `xl/styles.xml`.
final class CellFormats: XMLHandler {
    var isBasedOn1904 = false
    private var codes: [Int: String] = [:]
    private var formats: [CellFormat] = []
    private var isInCellFormats = false

    func start(_ name: String, _ attributes: XMLAttributes) -> XMLReader.Content {
        switch name {
        case "s:numFmt":
            if let id = attributes.number("numFmtId") { codes[id] = attributes["formatCode"] }
        case "s:cellXfs": isInCellFormats = true
        case "s:xf" where isInCellFormats: formats.append(format(attributes.number("numFmtId") ?? 0))
        case "s:fonts", "s:fills", "s:borders", "s:dxfs", "s:extLst": return .skip
        default: break
        }
        return .read
    }

    func end(_ name: String) {
        if name == "s:cellXfs" { isInCellFormats = false }
    }

    func text(_ text: UnsafeBufferPointer<UInt8>) {}

    /// What a cell with a number shows.
    ///
    /// - Parameter style: The cell's `s`, an index into the formats.
    func text(_ value: String, style: Int) -> String {
        guard let number = Double(value), number.isFinite else { return value }
        let format = formats.indices.contains(style) ? formats[style] : .general
        return format.text(number, isBasedOn1904: isBasedOn1904) ?? CellFormat.number(value)
    }

    private func format(_ id: Int) -> CellFormat {
        codes[id].map(CellFormat.init(code:)) ?? CellFormat.builtIn(id)
    }
}

/// One number format, as far as it changes what a number means: dates, times, percentages and decimal places.
enum CellFormat: Hashable {
    case general
    case fixed(decimals: Int)
    case percent(decimals: Int)
    case date, time, dateTime
    /// Hours beyond 24 are hours.
    case duration

    /// The formats that have a number only (ECMA-376 part 1, 18.8.30).
    static func builtIn(_ id: Int) -> CellFormat {
        switch id {
        case 1, 3, 37, 38, 41, 42, 5, 6: .fixed(decimals: 0)
        case 2, 4, 39, 40, 43, 44, 7, 8: .fixed(decimals: 2)
        case 9: .percent(decimals: 0)
        case 10: .percent(decimals: 2)
        case 14...17, 27...31, 34...36, 50...58: .date
        case 18...21, 32, 33, 45, 47: .time
        case 22: .dateTime
        case 46: .duration
        default: .general
        }
    }

    /// - Parameter code: Such as `0.0%` or `[$-407]dd.mm.yyyy`; what is said for positive numbers counts.
    init(code: String) {
        let shape = Self.shape(of: code.prefix(255))
        if shape.isDuration {
            self = .duration
        } else if shape.letters.contains("y") || shape.letters.contains("d") {
            self = shape.letters.contains("h") ? .dateTime : .date
        } else if shape.letters.contains("h") || shape.letters.contains("s") {
            self = .time
        } else if shape.letters.contains("m") {
            self = .date
        } else if shape.letters.contains("%") {
            self = .percent(decimals: shape.decimals ?? 0)
        } else if let decimals = shape.decimals, !shape.letters.contains("e"), !shape.letters.contains("/") {
            self = .fixed(decimals: decimals)
        } else {
            self = .general
        }
    }

    private struct Shape {
        var letters: Set<Character> = []
        /// Digits behind the point; nil if the code shows no digits, or only as many as there are.
        var decimals: Int?
        var isDuration = false
    }

    /// What stands in the first section, without quoted text, padding, colours and conditions.
    private static func shape(of code: Substring) -> Shape {
        var shape = Shape()
        var isBehindPoint = false, isScaled = false
        var rest = code[...]
        while let character = rest.popFirst(), character != ";" {
            switch character {
            case "\"": rest = rest.drop { $0 != "\"" }.dropFirst()
            case "\\", "_", "*": _ = rest.popFirst()
            case "[":
                let inside = rest.prefix { $0 != "]" }.lowercased()
                rest = rest.dropFirst(inside.count + 1)
                if ["h", "hh", "m", "mm", "s", "ss"].contains(inside) { shape.isDuration = true }
            case ".": isBehindPoint = shape.decimals != nil
            case "0", "#", "?":
                shape.decimals = (shape.decimals ?? 0) + (isBehindPoint ? 1 : 0)
                isScaled = false
            case ",": isScaled = shape.decimals != nil
            default: shape.letters.formUnion(character.lowercased())
            }
        }
        // `#,##0,` shows thousands; the number itself is the better text.
        if isScaled || shape.letters.isSuperset(of: "general") { shape.decimals = nil }
        if shape.letters.isSuperset(of: "general") { shape.letters = [] }
        return shape
    }

    // MARK: - Numbers as text

    /// - Returns: ISO 8601 for dates; nil if the number stays as it is.
    func text(_ number: Double, isBasedOn1904: Bool) -> String? {
        switch self {
        case .general: return nil
        case .fixed(let decimals): return Self.fixed(number, decimals)
        case .percent(let decimals): return Self.fixed(number * 100, decimals) + "%"
        case .duration: return Self.clock(seconds: (number * 86400).rounded(), in: 0...1e12)
        case .time: return Self.clock(seconds: ((number - number.rounded(.down)) * 86400).rounded(), in: 0...86400)
        case .date, .dateTime:
            // Day 60 is 29 February 1900, which there never was: days before it count from one day later.
            guard number >= 0, number < 2_958_466 else { return nil }
            let offset: Double = isBasedOn1904 ? 24107 : number < 60 ? 25568 : 25569
            let seconds = ((number - offset) * 86400).rounded()
            let day = (seconds / 86400).rounded(.down)
            let date = Self.date(daysSince1970: Int(day))
            let clock = Self.clock(seconds: seconds - day * 86400, in: 0...86400)
            return self == .date || clock == nil || clock == "00:00" ? date : date + " " + (clock ?? "")
        }
    }

    /// A number as a workbook stores it, without the digits beyond the fifteenth, which are no part of it.
    static func number(_ text: String) -> String {
        guard text.utf8.count > 15, let number = Double(text), number.isFinite else { return text }
        return String(format: "%.15g", number)
    }

    private static func fixed(_ number: Double, _ decimals: Int) -> String {
        // Most numbers are short, and formatting by `printf` takes four times as long as all else that a cell costs.
        guard decimals <= 4, abs(number) < 1e10 else { return String(format: "%.*f", min(decimals, 15), number) }
        let power = [1, 10, 100, 1000, 10_000][decimals]
        let scaled = Int((abs(number) * Double(power)).rounded())
        let sign = number < 0 && scaled > 0 ? "-" : ""
        guard decimals > 0 else { return sign + String(scaled) }
        return sign + String(scaled / power) + "." + String(power + scaled % power).dropFirst()
    }

    private static func padded(_ number: Int, _ digits: Int = 2) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
    }

    /// `09:05`, `26:00:30`.
    private static func clock(seconds: Double, in range: ClosedRange<Double>) -> String? {
        guard range.contains(seconds) else { return nil }
        let all = Int(seconds)
        let (hours, minutes, rest) = (all / 3600, all / 60 % 60, all % 60)
        return padded(hours) + ":" + padded(minutes) + (rest == 0 ? "" : ":" + padded(rest))
    }

    /// Howard Hinnant's `civil_from_days`.
    private static func date(daysSince1970: Int) -> String {
        let days = daysSince1970 + 719_468
        let era = (days >= 0 ? days : days - 146_096) / 146_097
        let dayOfEra = days - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let (day, month) = (dayOfYear - (153 * shifted + 2) / 5 + 1, shifted < 10 ? shifted + 3 : shifted - 9)
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return padded(year, 4) + "-" + padded(month) + "-" + padded(day)
    }
}

import FoundationEssentials
import NIOHTTP1

/// Decides, failure by failure, whether to ask again and when.
struct RetrySchedule {
    private let rules: ProviderSettings.Retries
    private var count = 0

    init(_ rules: ProviderSettings.Retries) {
        self.rules = rules
    }

    /// How long to wait before the next attempt, `nil` to give up. The server's wish is the least it gets.
    mutating func next(after failure: Failure) -> Duration? {
        guard failure.remedy == .again, count < rules.limit else { return nil }
        let wish = failure.retryAfter ?? .zero
        guard wish <= rules.longestDelay else { return nil }
        let longest = rules.firstDelay * (1 << min(count, 10))
        count += 1
        return max(wish, longest * Double.random(in: 0.5...1))
    }
}

/// How long a server asks to wait, from `retry-after-ms` or `retry-after`, in seconds or as a date.
enum RetryAfter {
    static func duration(in headers: HTTPHeaders, now: Date = Date()) -> Duration? {
        let seconds: Double? =
            if let milliseconds = headers["retry-after-ms"].first.flatMap(Double.init) {
                milliseconds / 1_000
            } else if let value = headers["retry-after"].first {
                Double(value) ?? date(value)?.timeIntervalSince(now)
            } else {
                nil
            }
        guard let seconds, seconds.isFinite else { return nil }
        return .seconds(min(max(seconds, 0), 86_400))
    }

    /// RFC 9110, the one form that is not obsolete: `Sun, 06 Nov 1994 08:49:37 GMT`.
    private static func date(_ text: String) -> Date? {
        let parts = text.split(separator: " ")
        guard parts.count == 6, parts[5] == "GMT", let month = months.firstIndex(of: parts[2]) else { return nil }
        let time = parts[4].split(separator: ":").compactMap { Int($0) }
        guard let day = Int(parts[1]), let year = Int(parts[3]), time.count == 3 else { return nil }
        guard (1...31).contains(day), (1970...9999).contains(year) else { return nil }
        guard (0..<24).contains(time[0]), (0..<60).contains(time[1]), (0...60).contains(time[2]) else { return nil }
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        return calendar.date(
            from: DateComponents(
                year: year, month: month + 1, day: day, hour: time[0], minute: time[1], second: time[2]))
    }

    private static let months: [Substring] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
}

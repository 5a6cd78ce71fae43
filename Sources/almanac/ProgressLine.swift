/// The line on a terminal that tells how far long work is; nothing where nobody watches.
struct ProgressLine {
    /// At most ten times a second.
    private static let interval = Duration.milliseconds(100)
    private static let width = 24

    let unit: String
    private let began = ContinuousClock.now
    private var shown: ContinuousClock.Instant?

    init(unit: String) {
        self.unit = unit
    }

    /// Shows the line unless it was shown a moment ago.
    mutating func show(_ done: Int, of total: Int, _ detail: String = "", secondsLeft: Double? = nil) {
        let now = ContinuousClock.now
        if let shown, now - shown < Self.interval, done < total { return }
        shown = now
        let left = secondsLeft ?? Self.secondsLeft(done, of: total, after: (now - began) / .seconds(1))
        Terminal.progress(Self.text(done, of: total, unit: unit, secondsLeft: left, detail))
    }

    func end() { Terminal.endProgress() }

    /// As long as it has taken so far, in proportion; nil until something is done.
    static func secondsLeft(_ done: Int, of total: Int, after seconds: Double) -> Double? {
        done > 0 && done < total ? seconds / Double(done) * Double(total - done) : nil
    }

    /// `[████████░░░░] 12/18 files · 0:42 left · name`
    static func text(_ done: Int, of total: Int, unit: String, secondsLeft: Double?, _ detail: String) -> String {
        let full = total > 0 ? min(width, width * min(done, total) / total) : 0
        var parts = [
            "[" + String(repeating: "█", count: full) + String(repeating: "░", count: width - full) + "] \(done)/\(total) \(unit)"
        ]
        if let secondsLeft { parts.append("\(time(secondsLeft)) left") }
        if !detail.isEmpty { parts.append(String(detail.prefix(32))) }
        return parts.joined(separator: " · ")
    }

    /// `0:07`, `12:30`, `3:05:00`
    private static func time(_ seconds: Double) -> String {
        let whole = Int(min(max(seconds, 0), 359_999).rounded(.up))
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let (hours, minutes) = (whole / 3_600, whole / 60 % 60)
        return hours > 0 ? "\(hours):\(two(minutes)):\(two(whole % 60))" : "\(minutes):\(two(whole % 60))"
    }
}

/// Where an answer cites a reference.
package struct Citation: Hashable, Sendable {
    /// 1 for the first reference.
    package var reference: Int
    /// Where the marker begins in the answer, in Unicode code points.
    package var position: Int
}

/// Lets an answer's text through as it streams, without the markers that name no reference.
///
/// `[2]` and `[1, 3]` outside code are markers; a list comes out as `[1][3]`. Code in a line ends with the line, so that a
/// stray backtick does not hide what follows. What might still become a marker is held
/// back until it is decided, never more than `longestMarker` characters.
package struct CitationFilter: Sendable {
    private static let longestMarker = 24

    /// How many references may be cited; nil lets everything through.
    private let referenceCount: Int?
    /// An undecided marker, with the space before it.
    private var held = ""
    private var code = Code.none
    /// Backticks in a row, up to here.
    private var backticks = 0
    private var position = 0
    package private(set) var citations: [Citation] = []
    /// Markers that were taken out.
    package private(set) var removed = 0

    package init(referenceCount: Int?) {
        self.referenceCount = referenceCount
    }

    /// The text that can be shown by now.
    package mutating func push(_ text: String) -> String {
        guard referenceCount != nil else { return text }
        var output = ""
        for character in text { step(character, into: &output) }
        return output
    }

    /// What was held back, once there is no more to come.
    package mutating func finish() -> String {
        var output = ""
        release(into: &output)
        return output
    }

    private mutating func step(_ character: Character, into output: inout String) {
        if character == "`" {
            release(into: &output)
            backticks += 1
            emit("`", into: &output)
            return
        }
        endBackticks()
        if code == .inline, character.isNewline { code = .none }
        if code != .none {
            emit(String(character), into: &output)
        } else if held.contains("[") {
            decide(character, into: &output)
        } else if character == "[" {
            held.append(character)
        } else {
            release(into: &output)
            if character == " " { held = " " } else { emit(String(character), into: &output) }
        }
    }

    private enum Code { case none, inline, fence }

    /// Three or more backticks open and close a fence, fewer of them code within a line.
    private mutating func endBackticks() {
        guard backticks > 0 else { return }
        defer { backticks = 0 }
        switch code {
        case .none: code = backticks >= 3 ? .fence : .inline
        case .inline: code = .none
        case .fence: if backticks >= 3 { code = .none }
        }
    }

    private mutating func decide(_ character: Character, into output: inout String) {
        switch character {
        case "]":
            let inside = held.drop { $0 == " " || $0 == "[" }
            let numbers = inside.split(separator: ",").map { Int($0.filter { $0 != " " }) }
            guard !numbers.isEmpty, numbers.allSatisfy({ $0 != nil }) else {
                held.append(character)
                return release(into: &output)
            }
            cite(numbers.compactMap { $0 }, into: &output)
        case "0"..."9", ",", " ":
            held.append(character)
            if held.count > Self.longestMarker { release(into: &output) }
        default:
            release(into: &output)
            step(character, into: &output)
        }
    }

    private mutating func cite(_ numbers: [Int], into output: inout String) {
        let space = held.hasPrefix(" ") ? " " : ""
        held = ""
        let valid = numbers.filter { (1...max(1, referenceCount ?? 0)).contains($0) && $0 <= referenceCount ?? 0 }
        removed += numbers.count - valid.count
        guard !valid.isEmpty else { return }
        emit(space, into: &output)
        for number in valid {
            citations.append(Citation(reference: number, position: position))
            emit("[\(number)]", into: &output)
        }
    }

    private mutating func release(into output: inout String) {
        emit(held, into: &output)
        held = ""
    }

    private mutating func emit(_ text: String, into output: inout String) {
        output += text
        position += text.unicodeScalars.count
    }
}

extension PageLayout {
    /// Marks and pages beyond these numbers are formulas rather than notes.
    private static let maxMarks = 200

    /// Puts the raised number of a footnote back to the words that it touches: poppler takes it for a line of its own.
    mutating func attachRaisedMarks() {
        let marks = lines.indices.filter { lines[$0].isMark }
        guard !marks.isEmpty, marks.count <= Self.maxMarks else { return }
        var attached: Set<Int> = []
        for mark in marks {
            let word = lines[mark].words[0]
            let host = lines.indices.first { line in
                line != mark && !attached.contains(line) && lines[line].box.height > 1.1 * word.box.height
                    && lines[line].isTouched(by: word.box)
            }
            guard let host else { continue }
            lines[host].attach(word)
            attached.insert(mark)
        }
        guard !attached.isEmpty else { return }
        lines = lines.indices.filter { !attached.contains($0) }.map { lines[$0] }
    }
}

extension LayoutLine {
    fileprivate var isMark: Bool {
        guard words.count == 1, words[0].text.unicodeScalars.count <= 3 else { return false }
        return words[0].text.unicodeScalars.allSatisfy {
            $0.properties.numericType != nil || "*†‡§".unicodeScalars.contains($0)
        }
    }

    /// Whether a raised mark stands directly in front of the line or behind it.
    fileprivate func isTouched(by mark: Box) -> Bool {
        let isRaised = mark.bottom > box.top && mark.bottom < box.bottom
        let isInFront = abs(box.left - mark.right) < 0.3 * box.height
        let isBehind = abs(mark.left - box.right) < 0.3 * box.height
        return isRaised && (isInFront || isBehind)
    }

    fileprivate mutating func attach(_ mark: LayoutWord) {
        if mark.box.left < box.left {
            words.insert(mark, at: 0)
        } else {
            words.append(mark)
        }
        words = words.reduce(into: []) { LayoutWord.append($1, to: &$0) }
        box.left = min(box.left, mark.box.left)
        box.right = max(box.right, mark.box.right)
    }
}

extension LayoutWord {
    /// Appends a word to a line, or its letters to the last word if there is no space between them: where the font
    /// changes poppler ends a word, but only a space does for people. Small capitals and raised numbers are such places.
    static func append(_ word: LayoutWord, to words: inout [LayoutWord]) {
        guard let last = words.last,
            abs(word.box.left - last.box.right) < 0.1 * min(word.box.height, last.box.height)
        else { return words.append(word) }
        words[words.count - 1] = LayoutWord(box: last.box.union(word.box), text: last.text + word.text)
    }

    /// Four letters and more that stand alone one behind the other are l e t t e r s p a c e d words. Their ends are
    /// where the gaps are wider.
    static func withoutLetterSpacing(_ words: [LayoutWord]) -> [LayoutWord] {
        guard words.count > 3 else { return words }
        var joined: [LayoutWord] = []
        var start = 0
        while start < words.count {
            let run = words[start...].prefix { $0.text.unicodeScalars.count == 1 }
            start += max(run.count, 1)
            guard run.count > 3, run.count(where: { $0.text.first?.isLetter ?? false }) > 2 else {
                joined += run.isEmpty ? [words[start - 1]] : Array(run)
                continue
            }
            let gaps = zip(run, run.dropFirst()).map { $1.box.left - $0.box.right }
            let wide = 1.6 * max(gaps.sorted()[gaps.count / 2], 0.1)
            joined.append(run[run.startIndex])
            for (gap, word) in zip(gaps, run.dropFirst()) {
                guard gap < wide, gap < word.box.height / 2, let last = joined.last else {
                    joined.append(word)
                    continue
                }
                joined[joined.count - 1] = LayoutWord(box: last.box.union(word.box), text: last.text + word.text)
            }
        }
        return joined
    }
}

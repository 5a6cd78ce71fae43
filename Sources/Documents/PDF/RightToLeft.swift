/// Puts Hebrew and Arabic into the order in which people read them.
///
/// With boxes, poppler prints the words and letters of a line as they stand on the page, from left to right; some
/// documents have them the other way round already. Letters that only ever end a word tell which it is.
enum RightToLeft {
    static func repair(_ pages: inout [PageLayout]) {
        var (begins, ends) = (0, 0)
        for page in pages {
            for word in page.lines.lazy.flatMap(\.words) {
                let scalars = word.text.unicodeScalars
                guard scalars.count > 2, let first = scalars.first, let last = scalars.last else { continue }
                if first.isFinalForm { begins += 1 }
                if last.isFinalForm { ends += 1 }
            }
        }
        guard begins > ends else { return }
        for page in pages.indices {
            for line in pages[page].lines.indices { repair(&pages[page].lines[line]) }
        }
    }

    private static func repair(_ line: inout LayoutLine) {
        let turned = line.words.count { $0.text.unicodeScalars.contains(where: \.isRightToLeft) }
        guard turned > 0 else { return }
        for index in line.words.indices { line.words[index].text = logical(line.words[index].text) }
        guard turned * 2 >= line.words.count else { return }
        // Latin words stand from left to right within such a line too.
        var ordered: [LayoutWord] = []
        var run: [LayoutWord] = []
        for word in line.words {
            if word.text.unicodeScalars.contains(where: \.isRightToLeft) {
                ordered += run.reversed() + [word]
                run = []
            } else {
                run.append(word)
            }
        }
        line.words = (ordered + run.reversed()).reversed()
    }

    /// The scalars of a word backwards, but for its runs of other scripts and digits.
    static func logical(_ visual: String) -> String {
        var runs: [[Unicode.Scalar]] = []
        var isOpen = false
        for scalar in visual.unicodeScalars {
            let isForeign = scalar.isForeign
            if isForeign && isOpen { runs[runs.count - 1].append(scalar) } else { runs.append([scalar]) }
            isOpen = isForeign
        }
        return String(String.UnicodeScalarView(withLigatures(runs).reversed().joined()))
    }

    /// One glyph shows a lam with the alef behind it, and its two letters come in reading order. The article looks the
    /// same, but it is the first of the word, or the second part behind a short one.
    private static func withLigatures(_ runs: [[Unicode.Scalar]]) -> [[Unicode.Scalar]] {
        var merged: [[Unicode.Scalar]] = []
        for (index, run) in runs.enumerated() {
            let isFirst = index == runs.count - 1
            let prefix = index == runs.count - 2 && merged.count > 1 ? runs.last?.first : nil
            let isArticle = isFirst || prefix.map("\u{648}\u{641}\u{628}\u{643}".unicodeScalars.contains) ?? false
            let isAlef = run.count == 1 && [0x622, 0x623, 0x625, 0x627].contains(run[0].value)
            if isAlef, !isArticle, merged.last == ["\u{644}"] {
                merged[merged.count - 1] += run
            } else {
                merged.append(run)
            }
        }
        return merged
    }
}

extension Unicode.Scalar {
    /// Hebrew, Arabic and what is between them.
    fileprivate var isRightToLeft: Bool { (0x590...0x8FF).contains(value) || (0xFB1D...0xFEFC).contains(value) }

    /// Of a script that runs from left to right, or a digit.
    fileprivate var isForeign: Bool {
        (properties.isAlphabetic && !isRightToLeft) || properties.numericType != nil
    }

    /// Teh marbuta, alef maksura and the five final letters of Hebrew.
    fileprivate var isFinalForm: Bool { [0x629, 0x649, 0x5DA, 0x5DD, 0x5DF, 0x5E3, 0x5E5].contains(value) }
}

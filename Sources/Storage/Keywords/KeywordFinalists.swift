// The best chunks by their own words, without looking at those that cannot be among them.

extension KeywordSearch {
    /// A chunk and what it has come to.
    struct Candidate {
        var row: KeywordRow
        var score: Double
        var coverage: Double
    }

    /// A list of postings on the way through its rows.
    private struct Cursor {
        let postings: UnsafeBufferPointer<Posting>
        private(set) var place = 0
        private(set) var row: Int64
        /// What endless occurrences would add to a score.
        let unit: Double
        /// The most that the list adds to a score.
        let bound: Double
        let term: Int
        let coverage: Double

        init(_ list: List, unit: Double, coverage: Double) {
            (postings, term) = (list.postings, list.term)
            (self.unit, self.coverage) = (unit, coverage)
            bound = unit * KeywordSearch.chunkSaturation(list.list.highest, length: 0)
            row = postings.first?.row ?? .max
        }

        private mutating func stop(at place: Int) {
            self.place = place
            row = place < postings.count ? postings[place].row : .max
        }

        /// How often the word stands in the row, which is left.
        mutating func takeFrequency() -> Double {
            defer { stop(at: place + 1) }
            return postings[place].frequency
        }

        /// Goes on to the first posting of this row or a later one, in steps that double.
        mutating func move(to row: Int64) {
            guard self.row < row else { return }
            var (step, low) = (1, place)
            while low + step < postings.count, postings[low + step].row < row {
                low += step
                step *= 2
            }
            var high = min(low + step, postings.count)
            low += 1
            while low < high {
                let middle = (low + high) / 2
                if postings[middle].row < row { low = middle + 1 } else { high = middle }
            }
            stop(at: low)
        }
    }

    /// The best chunks of a knowledge base by what they hold themselves, best first, ties by chunk.
    ///
    /// Row by row through all lists at once. Once there are as many chunks as wanted, those that have frequent words alone
    /// cannot come among them any more: only rows of the other lists are looked at, and in the lists of frequent words only
    /// those rows (MaxScore: Turtle and Flood, "Query Evaluation: Strategies and Optimizations", 1995).
    func finalists(_ limit: Int, of base: Base, among rows: KeywordRows?) -> [Candidate] {
        guard limit > 0 else { return [] }
        var cursors = cursors(of: base)
        return withExtendedLifetime(base) {
            // Arrays would be looked after at each of thousands of steps.
            cursors.withUnsafeMutableBufferPointer { cursors in
                withUnsafeTemporaryAllocation(of: Double.self, capacity: cursors.count + termCount) { room in
                    walk(limit, cursors, among: rows, in: room)
                }
            }
        }
    }

    /// - Parameter room: For what each list adds to a row's score, and what a row has of each term.
    private func walk(
        _ limit: Int, _ cursors: UnsafeMutableBufferPointer<Cursor>, among rows: KeywordRows?,
        in room: UnsafeMutableBufferPointer<Double>
    ) -> [Candidate] {
        let parts = UnsafeMutableBufferPointer(rebasing: room[..<cursors.count])
        let covered = UnsafeMutableBufferPointer(rebasing: room[cursors.count...])
        var best = BestCandidates(limit: limit)
        // What the lists up to each one can add together; a little more, since sums are rounded.
        var (reach, total) = ([Double](), 0.0)
        for cursor in cursors {
            total += cursor.bound
            reach.append(total * (1 + 1e-9))
        }
        var ranges = (rows?.ranges ?? [Int64.min..<Int64.max])[...]
        // Lists before this one add too little for a finalist, all together.
        var needed = 0
        while let range = ranges.first, needed < cursors.count {
            var row = Int64.max
            for index in needed..<cursors.count { row = min(row, cursors[index].row) }
            if row == .max { break }
            if row < range.lowerBound {
                for index in needed..<cursors.count { cursors[index].move(to: range.lowerBound) }
                continue
            }
            guard row < range.upperBound else {
                ranges.removeFirst()
                continue
            }
            let length = Double(KeywordRow(id: row).words) / meanLength
            var (sum, index) = (0.0, cursors.count)
            while index > 0, index > needed || sum + reach[index - 1] > best.threshold {
                index -= 1
                if index < needed { cursors[index].move(to: row) }
                parts[index] = 0
                guard cursors[index].row == row else { continue }
                let frequency = cursors[index].takeFrequency()
                parts[index] = cursors[index].unit * Self.chunkSaturation(frequency, length: length)
                sum += parts[index]
            }
            guard index == 0, sum * (1 + 1e-9) > best.threshold else { continue }
            let candidate = candidate(KeywordRow(id: row), UnsafeBufferPointer(cursors), UnsafeBufferPointer(parts), covered)
            guard candidate.score > best.threshold else { continue }
            best.offer(candidate)
            while needed < cursors.count, reach[needed] <= best.threshold { needed += 1 }
        }
        return best.sorted
    }

    /// The lists, those that add least first.
    private func cursors(of base: Base) -> [Cursor] {
        let cursors = base.lists.filter { !$0.postings.isEmpty }.map { list in
            Cursor(list, unit: unit(of: list), coverage: coverage(of: list))
        }
        return cursors.enumerated().sorted { ($0.element.bound, $0.offset) < ($1.element.bound, $1.offset) }
            .map(\.element)
    }

    /// Summed up always in the same order, so that a chunk's score is the same whatever it is found among.
    private func candidate(
        _ row: KeywordRow, _ cursors: UnsafeBufferPointer<Cursor>, _ parts: UnsafeBufferPointer<Double>,
        _ covered: UnsafeMutableBufferPointer<Double>
    ) -> Candidate {
        covered.update(repeating: 0)
        var score = 0.0
        for (part, cursor) in zip(parts, cursors) where part > 0 {
            score += part
            // A row that has a term and its variants covers the term once.
            covered[cursor.term] = max(covered[cursor.term], cursor.coverage)
        }
        return Candidate(row: row, score: score, coverage: covered.reduce(0, +))
    }
}

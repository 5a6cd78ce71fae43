import CKernels
import Knowledge

extension Clustering {
    /// Clusters around one that is split whose rows are looked at again.
    private static let neighbours = 16
    private static let rounds = 5

    /// Splits clusters of more than twice the size in two, and dissolves those of less than an eighth.
    ///
    /// A split moves rows of its own to neighbouring clusters where those are nearer than both halves, and neighbours'
    /// rows to a half that is nearer to them; nothing else is looked at.
    mutating func balance() {
        var members = [[Int]](repeating: [], count: count)
        for (row, group) in groups.enumerated() { members[Int(group)].append(row) }
        var large = members.indices.filter { members[$0].count > 2 * size }
        // Clusters that cannot be split, being of the same row many times over, would come up again and again.
        let most = 2 * members.count + 8 * rows.count / size
        while let group = large.popLast(), members.count < most {
            guard members[group].count > 2 * size, let halves = halves(of: members[group]) else { continue }
            large += split(group, into: halves, &members)
        }
        dissolveSmall(&members)
        for (group, rows) in members.enumerated() {
            for row in rows { groups[row] = UInt32(group) }
        }
    }

    private func vector(_ row: Int) -> ArraySlice<Float> { rows.vectors[row * dimension..<(row + 1) * dimension] }

    private func direction(_ group: Int) -> ArraySlice<Float> {
        directions[group * dimension..<(group + 1) * dimension]
    }

    private func product(_ one: ArraySlice<Float>, _ other: ArraySlice<Float>) -> Float {
        one.withUnsafeBufferPointer { one in
            other.withUnsafeBufferPointer { other in
                guard let one = one.baseAddress, let other = other.baseAddress else { return 0 }
                return IndexKernels.best.dot(one, other, dimension)
            }
        }
    }

    // MARK: - Splitting

    /// Two directions that divide some rows; nil where nearly all are the same.
    private func halves(of members: [Int]) -> [ArraySlice<Float>]? {
        guard let first = members.first else { return nil }
        // As far from one another as two looks find.
        let one = members.min { product(vector($0), vector(first)) < product(vector($1), vector(first)) } ?? first
        let other = members.min { product(vector($0), vector(one)) < product(vector($1), vector(one)) } ?? first
        var halves = [vector(one), vector(other)].map(unit)
        for _ in 0..<Self.rounds {
            let leanings = members.map { product(vector($0), halves[0]) - product(vector($0), halves[1]) }
            var border: Float = 0
            let count = leanings.reduce(0) { $0 + ($1 > border ? 1 : 0) }
            if min(count, members.count - count) < members.count / 4 {
                // A few strays against all others would be no split: cut in the middle.
                border = leanings.sorted()[members.count / 2]
            }
            let sides = [true, false].map { side in
                members.indices.filter { (leanings[$0] > border) == side }.map { members[$0] }
            }
            guard sides.allSatisfy({ $0.count > size / 8 }) else { return nil }
            halves = sides.map { unit(rows.mean(of: $0)[...]) }
        }
        return halves
    }

    private func unit(_ vector: ArraySlice<Float>) -> ArraySlice<Float> {
        var vector = Array(vector)
        normalise(&vector, dimension: dimension)
        return vector[...]
    }

    /// - Returns: Clusters that rows came to.
    private mutating func split(
        _ group: Int, into halves: [ArraySlice<Float>], _ members: inout [[Int]]
    ) -> [Int] {
        let near = nearest(Self.neighbours, to: direction(group), besides: group)
        let new = count
        directions.replaceSubrange(group * dimension..<(group + 1) * dimension, with: halves[0])
        directions += halves[1]
        let moving = members[group]
        members[group] = []
        members.append([])
        for row in moving {
            let best = ([group, new] + near).max { product(vector(row), direction($0)) < product(vector(row), direction($1)) }
            members[best ?? group].append(row)
        }
        for neighbour in near {
            let looked = members[neighbour]
            members[neighbour] = []
            for row in looked {
                let products = [neighbour, group, new].map { product(vector(row), direction($0)) }
                let moves = max(products[1], products[2]) > products[0]
                members[moves ? (products[1] > products[2] ? group : new) : neighbour].append(row)
            }
        }
        return [group, new] + near
    }

    private func nearest(_ wanted: Int, to direction: ArraySlice<Float>, besides group: Int) -> [Int] {
        let products = (0..<count).map { product(direction, self.direction($0)) }
        return Array(
            products.indices.filter { $0 != group }.sorted { products[$0] > products[$1] }.prefix(wanted))
    }

    // MARK: - Dissolving

    private mutating func dissolveSmall(_ members: inout [[Int]]) {
        let small = Set(members.indices.filter { members[$0].count * 8 < size })
        guard !small.isEmpty, small.count < members.count else { return }
        let kept = members.indices.filter { !small.contains($0) }
        let homeless = small.sorted().flatMap { members[$0] }
        directions = kept.flatMap { direction($0) }
        members = kept.map { members[$0] }
        let nearest = Directions(directions, dimension: dimension)
        for row in homeless {
            let number = vector(row).withUnsafeBufferPointer { nearest.nearest(to: $0) }.first ?? 0
            members[Int(number)].append(row)
        }
    }
}

/// How much an index holds in memory, and when it writes.
package struct IndexLimits: Hashable, Sendable {
    /// Rows that gather in memory before they are sealed into a segment: 7 MB of codes of 384 dimensions.
    package var sealRows = 16_384
    /// The most rows of a segment, where the next limit leaves it that many.
    package var segmentRows = 131_072
    /// The most bytes of vectors of which a segment is made: they are in memory meanwhile. 131,072 rows of 384 dimensions.
    package var segmentFloatBytes = 192 << 20
    /// Rows of a cluster.
    package var clusterSize = 256
    /// From so many rows on a search looks at the clusters near it only.
    package var clusterRows = 500_000
    /// Rows that such a search looks at, times the square root of how many there are: 12,000 of a million.
    package var probedRows = 12.0
    /// Vectors of a knowledge base beside their codes stay in memory up to this many bytes; others are read from the
    /// store, a few for each search.
    package var floatBytes = 256 << 20
    /// Knowledge bases not searched for long are let go of above this.
    package var memoryBytes = 4 << 30

    /// Searches of fewer bytes of four-bit codes are exact even where that is not asked for: an estimate would not be
    /// faster. 32,000 rows of 384 dimensions take 0.15 ms.
    package var exactBytes = 6 << 20

    package init() {}

    func segmentRows(dimension: Int) -> Int { max(1, min(segmentRows, segmentFloatBytes / (4 * dimension))) }
}

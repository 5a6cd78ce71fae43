/// How much an index holds in memory, and when it writes.
package struct IndexLimits: Hashable, Sendable {
    /// Rows that gather in memory before they are sealed into a segment: 7 MB of codes of 384 dimensions.
    package var sealRows = 16_384
    /// The most rows of a segment, where the next limit leaves it that many.
    package var segmentRows = 1 << 20
    /// The most bytes of vectors of which a segment is made: they are in memory meanwhile. A million rows of 384 dimensions,
    /// since every segment has clusters of its own: the more segments, the more of them a search has to look at, and the
    /// smaller they are, the coarser their clusters.
    package var segmentFloatBytes = 1536 << 20
    /// Rows of a cluster.
    package var clusterSize = 128
    /// From so many rows on a search looks at the clusters near it only, where that is known to find enough.
    package var clusterRows = 200_000
    /// Rows that such a search looks at for each segment; nil: as many as its `Reach` says. Every segment has clusters of its
    /// own, and what is near a query is in all of them.
    package var probedRows: Int?
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

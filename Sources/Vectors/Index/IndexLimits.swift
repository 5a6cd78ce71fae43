/// How much an index holds in memory, and when it writes.
package struct IndexLimits: Hashable, Sendable {
    /// Rows that gather in memory before they are sealed into a segment: 7 MB of codes of 384 dimensions.
    package var sealRows = 16_384
    /// The most rows of a segment.
    package var segmentRows = 131_072
    /// From so many rows on they are ordered by clusters, and a search looks at those near it only.
    package var clusterRows = 500_000
    /// Clusters that a search looks at: 1.2 of 100 at a million rows.
    package var probedClusters = 48
    /// Vectors of a knowledge base beside their codes stay in memory up to this many bytes; others are read from the
    /// store, a few for each search.
    package var floatBytes = 256 << 20
    /// Knowledge bases not searched for long are let go of above this.
    package var memoryBytes = 4 << 30

    /// Searches of fewer bytes of four-bit codes are exact even where that is not asked for: an estimate would not be
    /// faster. 32,000 rows of 384 dimensions take 0.15 ms.
    package var exactBytes = 6 << 20

    package init() {}
}

import CKernels

/// Where things stand in a segment's bytes.
///
/// A segment is a header of 256 bytes and, each at a multiple of 64, the sections in the order of `Section`. All numbers
/// are little-endian. The header:
///
///       0  magic "almvseg" and a zero byte
///       8  u32 format, u32 dimension, u64 rows, u64 documents, u64 bytes of names, u64 groups, u64 1 if clustered
///      64  u64 XXH64 of every section
///     248  u64 XXH64 of the first 248 bytes
///
/// Rows are grouped: the codes of a group's rows stand for their distance from its centre. A flat segment has one group
/// and its rows in the order of documents; in a clustered one every cluster is a group, and two sections more lead from
/// documents to rows and back.
struct SegmentLayout: Hashable {
    /// Raised whenever the bytes of the same vectors change.
    static let format = 1
    static let headerBytes = 256
    static let magic: UInt64 = 0x0067_6573_766D_6C61
    static let maxDimension = 4096

    enum Section: Int, CaseIterable {
        /// UTF-8 of the documents' ids, one after the other; u32: where each ends.
        case names, nameEnds
        /// i64: the revision at which each document was completed; u32: where its rows begin, and the end.
        case revisions, starts
        /// The groups' centres, `dimension` floats each; u32: where their rows begin, and the end; f32: the greatest
        /// length of a row's approximation.
        case centres, groupStarts, groupLengths
        /// i64: the rows' chunks.
        case chunks
        /// u32, in clustered segments: the rows in the order of documents; each row's document.
        case order, owners
        /// Codes: see CIndexKernels.h.
        case high, low, signs
        /// f32 each: see `kern_index_factors`.
        case scales, nibbleRadii, byteRadii, signScales, signRadii
    }

    let dimension: Int
    let rows: Int
    let documents: Int
    let nameBytes: Int
    let groups: Int
    let isClustered: Bool
    /// Where each section begins, and the end.
    let offsets: [Int]

    /// Dimensions of codes.
    var padded: Int { Self.padded(dimension) }

    static func padded(_ dimension: Int) -> Int { (dimension + 127) / 128 * 128 }

    init(dimension: Int, rows: Int, documents: Int, nameBytes: Int, groups: Int, isClustered: Bool) {
        self.dimension = dimension
        self.rows = rows
        self.documents = documents
        self.nameBytes = nameBytes
        self.groups = groups
        self.isClustered = isClustered
        let padded = Self.padded(dimension)
        var offsets = [Self.headerBytes]
        for section in Section.allCases {
            let size =
                switch section {
                case .names: nameBytes
                case .nameEnds: documents * 4
                case .revisions: documents * 8
                case .starts: (documents + 1) * 4
                case .centres: groups * dimension * 4
                case .groupStarts: (groups + 1) * 4
                case .groupLengths: groups * 4
                case .chunks: rows * 8
                case .order, .owners: isClustered ? rows * 4 : 0
                case .high, .low: rows * padded / 2
                case .signs: (rows + 7) / 8 * padded
                case .scales, .nibbleRadii, .byteRadii, .signScales, .signRadii: rows * 4
                }
            offsets.append((offsets[offsets.count - 1] + size + 63) / 64 * 64)
        }
        self.offsets = offsets
    }

    var byteCount: Int { offsets[offsets.count - 1] }

    func range(of section: Section) -> Range<Int> { offsets[section.rawValue]..<offsets[section.rawValue + 1] }

    // MARK: - The header

    /// Reads and checks the header and every section's hash.
    ///
    /// - Returns: nil where any bit is not as it was written.
    init?(checking bytes: AlignedBytes) {
        guard bytes.count >= Self.headerBytes,
            Self.hash(bytes, 0..<248) == bytes.number(at: 248), bytes.number(at: 0) == Self.magic
        else { return nil }
        let words = bytes.array(of: UInt32.self, at: 8)
        // Each bounded, so that no product below overflows.
        let limit: UInt64 = 1 << 40
        let numbers = stride(from: 16, to: 56, by: 8).map { bytes.number(at: $0) }
        guard words[0] == UInt32(Self.format), (1...UInt32(Self.maxDimension)).contains(words[1]),
            numbers.allSatisfy({ $0 < limit })
        else { return nil }
        self.init(
            dimension: Int(words[1]), rows: Int(numbers[0]), documents: Int(numbers[1]), nameBytes: Int(numbers[2]),
            groups: Int(numbers[3]), isClustered: numbers[4] == 1)
        guard byteCount == bytes.count else { return nil }
        for section in Section.allCases {
            let expected = bytes.number(at: 64 + section.rawValue * 8)
            guard Self.hash(bytes, range(of: section)) == expected else { return nil }
        }
    }

    /// Writes the header of finished sections.
    func seal(_ bytes: AlignedBytes) {
        bytes.set(Self.magic, at: 0)
        bytes.array(of: UInt32.self, at: 8)[0] = UInt32(Self.format)
        bytes.array(of: UInt32.self, at: 8)[1] = UInt32(dimension)
        for (index, number) in [rows, documents, nameBytes, groups, isClustered ? 1 : 0].enumerated() {
            bytes.set(UInt64(number), at: 16 + index * 8)
        }
        for section in Section.allCases {
            bytes.set(Self.hash(bytes, range(of: section)), at: 64 + section.rawValue * 8)
        }
        bytes.set(Self.hash(bytes, 0..<248), at: 248)
    }

    private static func hash(_ bytes: AlignedBytes, _ range: Range<Int>) -> UInt64 {
        kern_hash(bytes.array(of: UInt8.self, at: range.lowerBound), range.count)
    }
}

extension AlignedBytes {
    fileprivate func number(at offset: Int) -> UInt64 { base.load(fromByteOffset: offset, as: UInt64.self) }

    fileprivate func set(_ number: UInt64, at offset: Int) { base.storeBytes(of: number, toByteOffset: offset, as: UInt64.self) }
}

import FoundationEssentials
import GRDB
package import Knowledge

extension Database: SegmentStore {
    package func manifest(of base: KnowledgeBaseID) async throws -> SegmentManifest {
        try await reading { reader in
            SegmentManifest(
                revision: try reader.vectorSpace(of: base).revision,
                documents: try reader.editions(in: base).map(\.completed),
                segments: try reader.segments(of: base))
        }
    }

    package func part(_ number: Int, of segment: SegmentID, in base: KnowledgeBaseID) async throws -> [UInt8]? {
        guard let id = segment.part(number) else { return nil }
        return try await reading { reader in
            let kept = try reader.query(
                "SELECT 1 FROM index_segment WHERE id = ? AND knowledge_base_id = ? AND is_kept", segment.rawValue,
                base.rawValue)
            defer { kept.end() }
            return try kept.next() ? reader.blob(table: "index_part", column: "bytes", row: id) : nil
        }
    }

    /// Each part is a transaction of its own, so that writers wait for a few megabytes at most.
    package func keep(
        _ segment: NewSegment, replacing replaced: [SegmentID], in base: KnowledgeBaseID
    ) async throws -> SegmentID? {
        let begun = try await write { db in
            try db.hasAll(replaced, of: base) ? try db.begin(segment, of: base) : nil
        }
        guard let begun else { return nil }
        do {
            for number in 0..<segment.partCount {
                let part = segment.part(number)
                guard try await write({ try $0.add(part, number, to: begun) }) else { return nil }
            }
            let isKept = try await write { try $0.publish(begun, replacing: replaced, of: base) }
            if !isKept { await abandon(begun, in: base) }
            collector.wake()
            return isKept ? begun : nil
        } catch {
            await abandon(begun, in: base)
            throw error
        }
    }

    package func drop(_ segments: [SegmentID], in base: KnowledgeBaseID) async throws {
        try await write { try $0.drop(segments, of: base) }
        collector.wake()
    }

    /// All segments there are.
    func keptSegments() async throws -> [(base: KnowledgeBaseID, segment: KeptSegment)] {
        let bases = try await read { try String.fetchAll($0, sql: "SELECT id FROM knowledge_base ORDER BY id") }
        return try await reading { reader in
            try bases.map { KnowledgeBaseID(rawValue: $0) }.flatMap { base in
                try reader.segments(of: base).map { (base, $0) }
            }
        }
    }

    /// What is wrong with a segment's parts, by their checksums.
    func partProblem(of segment: KeptSegment) async throws -> String? {
        try await reading { reader in
            let row = try reader.query("SELECT crc32, bytes FROM index_part WHERE id = ?")
            var count = 0
            for number in 0..<segment.partCount {
                guard let id = segment.id.part(number) else { return "it has no part \(number)" }
                try row.bind(id)
                defer { row.end() }
                guard try row.next() else { return "it has no part \(number)" }
                let bytes = row.bytes(1)
                guard Int64(CRC32.checksum(bytes)) == row.int(0) else { return "its part \(number) is damaged" }
                count += bytes.count
            }
            return count == segment.byteCount ? nil : "its parts have \(count) bytes, not \(segment.byteCount)"
        }
    }

    /// Lets go of a segment that was not finished, even if the task was cancelled; else the next start does.
    private func abandon(_ segment: SegmentID, in base: KnowledgeBaseID) async {
        await Task { try? await drop([segment], in: base) }.value
    }
}

extension SegmentID {
    /// The row of a part; nil where there can be none.
    fileprivate func part(_ number: Int) -> Int64? {
        guard (0..<65_536).contains(number), (0..<Int64(1) << 47).contains(rawValue) else { return nil }
        return rawValue << 16 | Int64(number)
    }
}

extension Connection {
    /// False if the knowledge base or one of the segments is gone.
    fileprivate func hasAll(_ segments: [SegmentID], of base: KnowledgeBaseID) throws -> Bool {
        let found = try Int.fetchOne(
            self,
            sql: """
                SELECT COUNT(*) FROM json_each(:segments) AS wanted
                CROSS JOIN index_segment ON index_segment.id = wanted.value AND knowledge_base_id = :base AND is_kept
                """,
            arguments: ["segments": try jsonText(Set(segments.map(\.rawValue)).sorted()), "base": base.rawValue])
        let isThere = try Bool.fetchOne(
            self, sql: "SELECT 1 FROM knowledge_base WHERE id = ?", arguments: [base.rawValue])
        return isThere == true && found == Set(segments).count
    }

    func begin(_ segment: NewSegment, of base: KnowledgeBaseID) throws -> SegmentID {
        try execute(
            sql: """
                INSERT INTO index_segment (knowledge_base_id, through_revision, format, rows, parts, bytes)
                VALUES (?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                base.rawValue, segment.throughRevision, segment.format, segment.rows, segment.partCount,
                segment.byteCount,
            ])
        return SegmentID(lastInsertedRowID)
    }

    /// False if the segment went in between, with its knowledge base.
    func add(_ part: [UInt8], _ number: Int, to segment: SegmentID) throws -> Bool {
        guard let id = segment.part(number) else { throw StorageError.invalidContent("a segment has too many parts") }
        try execute(
            sql: """
                INSERT INTO index_part (id, crc32, bytes)
                SELECT :id, :crc32, :bytes FROM index_segment WHERE id = :segment
                """,
            arguments: [
                "id": id, "crc32": part.withUnsafeBytes(CRC32.checksum), "bytes": Data(part),
                "segment": segment.rawValue,
            ])
        return changesCount == 1
    }

    func publish(
        _ segment: SegmentID, replacing replaced: [SegmentID], of base: KnowledgeBaseID
    ) throws -> Bool {
        guard try hasAll(replaced, of: base) else { return false }
        try drop(replaced, of: base)
        try execute(sql: "UPDATE index_segment SET is_kept = 1 WHERE id = ?", arguments: [segment.rawValue])
        return changesCount == 1
    }

    /// Their parts go later.
    fileprivate func drop(_ segments: [SegmentID], of base: KnowledgeBaseID) throws {
        for segment in segments {
            try execute(
                sql: "DELETE FROM index_segment WHERE id = ? AND knowledge_base_id = ?",
                arguments: [segment.rawValue, base.rawValue])
        }
    }

    /// Lets go of segments that no process is writing any more.
    func dropUnfinishedSegments() throws {
        try execute(sql: "DELETE FROM index_segment WHERE NOT is_kept")
    }

    /// How many parts no segment has.
    func orphanedParts() throws -> Int {
        try Int.fetchOne(
            self, sql: "SELECT COUNT(*) FROM index_part WHERE id >> 16 NOT IN (SELECT id FROM index_segment)") ?? 0
    }

    /// Erases one part that no segment has. False if there is none.
    func eraseSegmentPart() throws -> Bool {
        try execute(
            sql: """
                DELETE FROM index_part WHERE id = (
                    SELECT id FROM index_part WHERE id >> 16 NOT IN (SELECT id FROM index_segment) LIMIT 1
                )
                """)
        return changesCount > 0
    }
}

extension Reader {
    /// In the order of completion.
    func editions(in generation: KnowledgeBaseID) throws -> [Edition] {
        let rows = try query(
            """
            SELECT document_id, revision, first_chunk, last_chunk FROM edition WHERE knowledge_base_id = ?
            ORDER BY revision
            """, generation.rawValue)
        defer { rows.end() }
        var editions: [Edition] = []
        while try rows.next() { editions.append(try rows.edition()) }
        return editions
    }

    fileprivate func segments(of base: KnowledgeBaseID) throws -> [KeptSegment] {
        let rows = try query(
            """
            SELECT id, through_revision, format, rows, parts, bytes,
                (SELECT SUM(length(bytes)) FROM index_part WHERE index_part.id BETWEEN index_segment.id << 16
                    AND index_segment.id << 16 | 65535)
            FROM index_segment WHERE knowledge_base_id = ? AND is_kept ORDER BY id
            """, base.rawValue)
        defer { rows.end() }
        var segments: [KeptSegment] = []
        while try rows.next() {
            segments.append(
                KeptSegment(
                    id: SegmentID(rows.int(0)), throughRevision: rows.int(1), format: Int(rows.int(2)),
                    rows: Int(rows.int(3)), partCount: Int(min(max(0, rows.int(4)), 65_535)),
                    // More than there are is damage, and memory that nobody has; none is never right either.
                    byteCount: (0...max(0, rows.int(6))).contains(rows.int(5)) ? Int(rows.int(5)) : 0))
        }
        return segments
    }
}

import FoundationEssentials
import GRDB
package import Knowledge

/// What looking through a data directory has found.
package struct CheckReport: Hashable, Sendable, Codable {
    /// Something that is not as it should be.
    package struct Problem: Hashable, Sendable, Codable {
        package enum Part: String, Hashable, Sendable, Codable {
            /// The database file itself.
            case database
            /// The rows that are the only truth: documents, chunks, vectors.
            case rows
            /// The uploaded originals.
            case files
            /// What is made from the rows and can be made again.
            case keywords, segments
        }

        package var part: Part
        /// In words, with the ids of what is concerned.
        package var what: String
        package var isMended = false
    }

    package var problems: [Problem] = []
    package var vectors = 0
    package var segments = 0
    package var files = 0

    package var isSound: Bool { problems.isEmpty }
    package var isMended: Bool { problems.allSatisfy(\.isMended) }

    mutating func add(_ part: Problem.Part, _ what: [String]) {
        problems += what.map { Problem(part: part, what: $0) }
    }
}

/// How thoroughly a data directory is looked through.
package struct CheckDepth: Sendable {
    /// Whether the bytes of every original are hashed, too, and not only counted.
    package var readsFiles: Bool
    /// What an index finds wrong with a segment, given all its bytes, beside what a checksum says; nil where nothing is.
    package var inspect: @Sendable (KnowledgeBaseID, [UInt8]) async throws -> String?

    package static let quick = CheckDepth(readsFiles: false) { _, _ in nil }

    package init(readsFiles: Bool, inspect: @escaping @Sendable (KnowledgeBaseID, [UInt8]) async throws -> String?) {
        self.readsFiles = readsFiles
        self.inspect = inspect
    }
}

extension Database {
    /// Reads every row and names what is damaged, or does not fit the rest.
    ///
    /// - Parameter mends: Whether what is derived is made anew, or dropped for an index to make it anew, and content that
    ///   nothing names is removed. What is not derived is never changed.
    package func check(_ depth: CheckDepth, mends: Bool) async throws -> CheckReport {
        // What an interrupted process left is no damage: every start clears it away.
        await collector.finish()
        var report = CheckReport()
        report.add(.database, try await integrityProblems())
        report.add(.rows, try await vectorProblems(counting: &report.vectors))
        report.add(.rows, try await read { try $0.contentProblems() })
        try await checkKeywords(mends: mends, &report)
        try await checkSegments(depth, mends: mends, &report)
        try await checkFiles(depth, mends: mends, &report)
        return report
    }

    private func integrityProblems() async throws -> [String] {
        do {
            return try await read { db in
                let found = try String.fetchAll(db, sql: "PRAGMA integrity_check(100)")
                    .filter { try $0 != "ok" && !db.isMistaken($0) }
                let foreign = try Row.fetchAll(db, sql: "PRAGMA foreign_key_check").prefix(100).map { row in
                    "a row of \(row["table"] ?? "?") names a row of \(row["parent"] ?? "?") that is not there"
                }
                return found + foreign
            }
        } catch StorageError.damaged(let what) {
            return [what]
        }
    }

    /// Every vector of every document, by its checksum, its length and its place.
    private func vectorProblems(counting count: inout Int) async throws -> [String] {
        var problems: [String] = []
        for base in try await read({ try String.fetchAll($0, sql: "SELECT id FROM knowledge_base") }) {
            let (found, checked) = try await reading { reader in
                var (found, checked) = ([String](), 0)
                let dimension: Int
                do {
                    dimension = try reader.vectorSpace(of: KnowledgeBaseID(rawValue: base)).dimension
                } catch let error as StorageError {
                    return ([error.what], 0)
                }
                for edition in try reader.editions(in: KnowledgeBaseID(rawValue: base)) {
                    let (vectors, damage) = try reader.vectors(of: edition, dimension: dimension)
                    checked += vectors.chunks.count
                    damage.map { found.append($0.what) }
                }
                return (found, checked)
            }
            problems += found
            count += checked
        }
        return problems
    }

    private func checkKeywords(mends: Bool, _ report: inout CheckReport) async throws {
        let problems = try await keywordProblems()
        guard !problems.isEmpty else { return }
        report.add(.keywords, problems)
        guard mends else { return }
        try await rebuildKeywords()
        report.mend(.keywords, if: try await keywordProblems().isEmpty)
    }

    private func checkSegments(_ depth: CheckDepth, mends: Bool, _ report: inout CheckReport) async throws {
        try await checkOrphanedParts(mends: mends, &report)
        for (base, segment) in try await keptSegments() {
            report.segments += 1
            var problem = try await partProblem(of: segment)
            if problem == nil { problem = try await inspected(segment, of: base, depth) }
            guard let problem else { continue }
            report.add(.segments, ["segment \(segment.id.rawValue) of \(base): \(problem)"])
            guard mends else { continue }
            try await drop([segment.id], in: base)
            report.problems[report.problems.count - 1].isMended = true
        }
    }

    private func checkOrphanedParts(mends: Bool, _ report: inout CheckReport) async throws {
        let orphans = try await read { try $0.orphanedParts() }
        guard orphans > 0 else { return }
        report.add(.segments, ["\(orphans) parts belong to no segment"])
        guard mends else { return }
        collector.wake()
        await collector.finish()
        report.problems[report.problems.count - 1].isMended = try await read { try $0.orphanedParts() } == 0
    }

    private func inspected(
        _ segment: KeptSegment, of base: KnowledgeBaseID, _ depth: CheckDepth
    ) async throws -> String? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(segment.byteCount)
        for number in 0..<segment.partCount { bytes += try await part(number, of: segment.id, in: base) ?? [] }
        do {
            return try await depth.inspect(base, bytes)
        } catch StorageError.damaged(let what) {
            return what
        }
    }

    private func checkFiles(_ depth: CheckDepth, mends: Bool, _ report: inout CheckReport) async throws {
        let rows = try await read { db in
            try Row.fetchAll(db, sql: "SELECT DISTINCT sha256, bytes FROM file WHERE tenant_id <> '(erased)'")
                .map { (sha256: try $0.get("sha256", as: String.self), bytes: try $0.get("bytes", as: Int.self)) }
        }
        report.files += rows.count
        let (problems, strangers) = try await onDisk { [blobs] in
            (
                rows.compactMap { blobs.problem(of: $0.sha256, bytes: $0.bytes, readsAll: depth.readsFiles) },
                try blobs.names().subtracting(rows.map(\.sha256)).sorted()
            )
        }
        report.add(.files, problems)
        for name in strangers {
            report.add(.files, ["the content \(name) belongs to no file"])
            guard mends else { continue }
            try await onDisk { [blobs] in try blobs.remove(name) }
            report.problems[report.problems.count - 1].isMended = true
        }
    }
}

extension CheckReport {
    fileprivate mutating func mend(_ part: Problem.Part, if isMended: Bool) {
        for index in problems.indices where problems[index].part == part { problems[index].isMended = isMended }
    }
}

extension StorageError {
    fileprivate var what: String {
        if case .damaged(let what) = self { what } else { description }
    }
}

extension Connection {
    /// Whether SQLite's check says of a column that it holds NULL and it does not: 3.40 looks at another column of tables
    /// without rowid whose key does not come first.
    fileprivate func isMistaken(_ finding: String) throws -> Bool {
        guard let match = finding.wholeMatch(of: /NULL value in (\w+)\.(\w+)/) else { return false }
        let count = try Int.fetchOne(self, sql: "SELECT COUNT(*) FROM \(match.1) WHERE \(match.2) IS NULL")
        return count == 0
    }

    /// Rows that contradict one another where the schema cannot forbid it.
    fileprivate func contentProblems() throws -> [String] {
        let questions = [
            (
                """
                SELECT document_id FROM edition WHERE last_chunk - first_chunk + 1 <> (
                    SELECT COUNT(*) FROM chunk
                    WHERE chunk.document_id = edition.document_id AND chunk.id BETWEEN first_chunk AND last_chunk)
                """, "has not as many chunks as it should"
            ),
            (
                """
                SELECT document.id FROM document JOIN known_base ON known_base.id = document.knowledge_base_id
                WHERE status = 'completed' AND chunk_count IS NOT (
                    SELECT last_chunk - first_chunk + 1 FROM edition
                    WHERE document_id = document.id AND edition.knowledge_base_id = known_base.index_id)
                """, "miscounts its chunks"
            ),
            (
                "SELECT id FROM document WHERE status = 'completed' AND id NOT IN (SELECT document_id FROM document_text)",
                "has lost its text"
            ),
            (
                """
                SELECT document.id FROM document JOIN knowledge_base ON knowledge_base.id = knowledge_base_id
                WHERE document.revision > knowledge_base.revision
                UNION SELECT document_id FROM edition JOIN knowledge_base ON knowledge_base.id = knowledge_base_id
                WHERE edition.revision > knowledge_base.revision
                """, "is newer than its knowledge base"
            ),
            (
                """
                SELECT DISTINCT document_id FROM chunk
                WHERE NOT EXISTS (
                    SELECT 1 FROM edition
                    WHERE edition.document_id = chunk.document_id AND chunk.id BETWEEN first_chunk AND last_chunk
                ) AND NOT EXISTS (
                    SELECT 1 FROM erasure
                    WHERE erasure.document_id = chunk.document_id AND chunk.id BETWEEN first_chunk AND last_chunk
                )
                """, "has chunks, though it is not indexed"
            ),
        ]
        return try questions.flatMap { sql, what in
            try String.fetchAll(self, sql: sql + " LIMIT 100").map { "\($0) \(what)" }
        }
    }
}

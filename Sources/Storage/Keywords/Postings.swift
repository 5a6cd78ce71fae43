import GRDBSQLite
import Glibc

/// Where a key stands: one row of the index, and how often in its context and its body. In eight bytes, since a search walks
/// through thousands of them.
struct Posting {
    private static let rowShift: UInt64 = 12
    private static let contextShift: UInt64 = 9
    /// More occurrences than these count as these; by then further ones hardly count at all.
    static let mostInContext: UInt64 = 7
    static let mostInBody: UInt64 = 511

    /// The row, which has 52 bits; the occurrences in the context and in the body.
    let bits: UInt64

    /// - Parameter row: As `KeywordRow` makes them.
    init(row: Int64, context: UInt64, body: UInt64) {
        bits = UInt64(bitPattern: row) << Self.rowShift | min(context, Self.mostInContext) << Self.contextShift
            | min(body, Self.mostInBody)
    }

    var row: Int64 { Int64(bits >> Self.rowShift) }

    /// How often the key stands there, one in the context for several.
    var frequency: Double {
        KeywordSearch.contextWeight * Double(bits >> Self.contextShift & Self.mostInContext) + Double(bits & Self.mostInBody)
    }
}

/// Reads whole lists of postings from FTS5, in one step for all phrases of a query.
///
/// FTS5 ranks by functions that see one row at a time, and its own bm25() forgets frequent words. The function here,
/// `postings(keyword)`, walks every phrase's list by `xQueryPhrase`, the call by which bm25() counts, and returns them
/// as one blob: for each phrase the number of its postings, in eight bytes, and then these.
enum Postings {
    /// Lets a connection call the function.
    static func register(in connection: OpaquePointer) throws {
        var statement: OpaquePointer?
        guard sqlite3_prepare_v2(connection, "SELECT fts5(?1)", -1, &statement, nil) == SQLITE_OK else {
            throw StorageError.failed("this SQLite has no FTS5")
        }
        defer { sqlite3_finalize(statement) }
        var api: UnsafeMutablePointer<fts5_api>?
        let code = withUnsafeMutablePointer(to: &api) { pointer in
            sqlite3_bind_pointer(statement, 1, pointer, "fts5_api_ptr", nil)
            return sqlite3_step(statement)
        }
        guard code == SQLITE_ROW, let api, let create = api.pointee.xCreateFunction,
            create(api, "postings", nil, collect, nil) == SQLITE_OK
        else { throw StorageError.failed("FTS5 takes no functions") }
    }

    /// The postings of each phrase, in the order of the phrases and then of the rows.
    static func fetch(_ phrases: [KeywordPhrase], in reader: Reader) throws -> [[Posting]] {
        guard !phrases.isEmpty else { return [] }
        let row = try reader.query(
            "SELECT postings(keyword) FROM keyword WHERE keyword MATCH ? LIMIT 1",
            phrases.map(\.expression).joined(separator: " OR "))
        defer { row.end() }
        guard try row.next() else { return Array(repeating: [], count: phrases.count) }
        return try lists(in: row.bytes(0), count: phrases.count)
    }

    private static func lists(in bytes: UnsafeRawBufferPointer, count: Int) throws -> [[Posting]] {
        let size = MemoryLayout<Posting>.size
        var lists: [[Posting]] = []
        var offset = 0
        while offset + size <= bytes.count {
            let length = Int(bytes.loadUnaligned(fromByteOffset: offset, as: Int64.self))
            offset += size
            guard length >= 0, length <= (bytes.count - offset) / size else { break }
            lists.append([Posting](unsafeUninitializedCapacity: length) { buffer, initialized in
                UnsafeMutableRawBufferPointer(buffer).copyMemory(
                    from: UnsafeRawBufferPointer(rebasing: bytes[offset..<(offset + length * size)]))
                initialized = length
            })
            offset += length * size
        }
        guard lists.count == count else { throw StorageError.damaged("the keyword index answers something else") }
        return lists
    }

    // MARK: - Called by FTS5

    private static let collect: fts5_extension_function = { api, cursor, context, _, _ in
        guard let api, let cursor, let extensions = Optional(api.pointee) else { return }
        var buffer = PostingBuffer()
        for phrase in 0..<(extensions.xPhraseCount?(cursor) ?? 0) {
            let head = buffer.append(0)
            let code = extensions.xQueryPhrase?(cursor, phrase, &buffer, take) ?? SQLITE_ERROR
            guard code == SQLITE_OK, let head else {
                free(buffer.start)
                sqlite3_result_error_code(context, head == nil ? SQLITE_NOMEM : code)
                return
            }
            buffer.setCount(at: head)
        }
        sqlite3_result_blob64(
            context, buffer.start, UInt64(buffer.count * MemoryLayout<UInt64>.size), { free($0) })
    }

    private static let take:
        @convention(c) (UnsafePointer<Fts5ExtensionApi>?, OpaquePointer?, UnsafeMutableRawPointer?) -> Int32 = {
            api, cursor, target in
            guard let api, let cursor, let target else { return SQLITE_ERROR }
            var (context, body) = (UInt64(0), UInt64(0))
            var iterator = Fts5PhraseIter(a: nil, b: nil)
            var (column, offset) = (Int32(0), Int32(0))
            let code = api.pointee.xPhraseFirst?(cursor, 0, &iterator, &column, &offset) ?? SQLITE_ERROR
            guard code == SQLITE_OK else { return code }
            while column >= 0 {
                if column == 0 { context += 1 } else { body += 1 }
                api.pointee.xPhraseNext?(cursor, &iterator, &column, &offset)
            }
            let row = api.pointee.xRowid?(cursor) ?? -1
            guard row >= 0, KeywordRow(id: row).chunk < KeywordRow.mostChunks else { return SQLITE_CORRUPT }
            let posting = Posting(row: row, context: context, body: body)
            let buffer = target.assumingMemoryBound(to: PostingBuffer.self)
            return buffer.pointee.append(posting.bits) == nil ? SQLITE_NOMEM : SQLITE_OK
        }
}

/// Memory that SQLite takes over in the end.
private struct PostingBuffer {
    private(set) var start: UnsafeMutablePointer<UInt64>?
    private(set) var count = 0
    private var capacity = 0

    /// - Returns: Its place; nil if there is no memory.
    mutating func append(_ bits: UInt64) -> Int? {
        if count == capacity {
            let larger = max(256, capacity * 2)
            guard let moved = realloc(start, larger * MemoryLayout<UInt64>.stride) else { return nil }
            start = moved.assumingMemoryBound(to: UInt64.self)
            capacity = larger
        }
        start?[count] = bits
        count += 1
        return count - 1
    }

    /// Lets the place `head` say how many postings came after it.
    func setCount(at head: Int) {
        start?[head] = UInt64(count - head - 1)
    }
}

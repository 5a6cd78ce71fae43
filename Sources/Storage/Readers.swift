import FoundationEssentials
import GRDB
import GRDBSQLite
import Knowledge
import Synchronization

/// Connections for what searches read, and for vectors and segments: by SQLite's own calls, since millions of rows and
/// hundreds of megabytes pass here, bytes are to be copied once, from SQLite's page to where they are wanted, and a search
/// is to spend its time on its answer.
///
/// Each is set up as GRDB's are. They are opened as needed, as many as threads read at a time.
final class Readers: Sendable {
    private struct State {
        var idle: [Reader] = []
        var isClosed = false
    }

    /// Connections that stay open, each with its pages: more read at once now and then only.
    private static let mostIdle = max(4, ProcessInfo.processInfo.activeProcessorCount)

    private let path: String
    private let state = Mutex(State())

    /// - Parameter path: Of a database that is there, in WAL mode.
    init(path: String) {
        self.path = path
    }

    /// Runs queries that see one state of the database. Waits for the disk.
    func read<Value>(_ queries: (Reader) throws -> Value) throws -> Value {
        let reader = try take()
        try reader.run("BEGIN")
        let value = try queries(reader)
        try reader.run("COMMIT")
        // Where something failed, a query under way would keep the state that it sees: such a connection is closed.
        giveBack(reader)
        return value
    }

    /// Closes what nobody reads with, and the rest when they have done.
    func close() {
        state.withLock { state in
            state.isClosed = true
            state.idle = []
        }
    }

    private func take() throws -> Reader {
        let idle = try state.withLock { state in
            if state.isClosed { throw StorageError.failed("the database is closed") }
            return state.idle.popLast()
        }
        return try idle ?? Reader(path: path)
    }

    private func giveBack(_ reader: Reader) {
        state.withLock { state in
            if !state.isClosed && state.idle.count < Self.mostIdle { state.idle.append(reader) }
        }
    }
}

/// One connection. Sendable because `Readers` lends each to one thread at a time.
final class Reader: @unchecked Sendable {
    let handle: OpaquePointer
    private var statements: [String: OpaquePointer] = [:]

    init(path: String) throws {
        var handle: OpaquePointer?
        let flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX
        guard sqlite3_open_v2(path, &handle, flags, nil) == SQLITE_OK, let handle else {
            sqlite3_close_v2(handle)
            throw StorageError.failed("cannot open \(path) for reading")
        }
        self.handle = handle
        sqlite3_busy_timeout(handle, 5000)
        // A search reads postings, chunks and vectors all over the file: 16 MiB of pages.
        for setting in ["mmap_size = 0", "cell_size_check = ON", "trusted_schema = OFF", "cache_size = -16384"] {
            try check(sqlite3_exec(handle, "PRAGMA \(setting)", nil, nil, nil))
        }
        try Postings.register(in: handle)
    }

    deinit {
        for statement in statements.values { sqlite3_finalize(statement) }
        sqlite3_close_v2(handle)
    }

    /// A query, prepared once for each connection, with its parameters bound.
    func query(_ sql: String, _ parameters: any QueryParameter...) throws -> Query {
        let query = Query(statement: try statement(sql), of: self)
        for (index, parameter) in parameters.enumerated() { try query.bind(parameter, at: Int32(index + 1)) }
        return query
    }

    /// Copies the bytes of a row's column, without reading them into memory twice; nil if the row is gone.
    func blob(table: String, column: String, row: Int64) throws -> [UInt8]? {
        var blob: OpaquePointer?
        let code = sqlite3_blob_open(handle, "main", table, column, row, 0, &blob)
        defer { sqlite3_blob_close(blob) }
        if code == SQLITE_ERROR { return nil }
        try check(code)
        let count = Int(sqlite3_blob_bytes(blob))
        return try [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            try check(sqlite3_blob_read(blob, buffer.baseAddress, Int32(count), 0))
            initialized = count
        }
    }

    fileprivate func run(_ sql: String) throws {
        _ = try query(sql).next()
    }

    private func statement(_ sql: String) throws -> OpaquePointer {
        if let statement = statements[sql] {
            sqlite3_reset(statement)
            return statement
        }
        var statement: OpaquePointer?
        try check(sqlite3_prepare_v3(handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil))
        guard let statement else { throw StorageError.failed("an empty query") }
        statements[sql] = statement
        return statement
    }

    fileprivate func check(_ code: Int32) throws {
        guard code == SQLITE_OK || code == SQLITE_ROW || code == SQLITE_DONE else {
            throw DatabaseError(
                resultCode: ResultCode(rawValue: code), message: String(cString: sqlite3_errmsg(handle)))
        }
    }
}

/// A query under way; the next one with the same text ends it.
struct Query {
    fileprivate let statement: OpaquePointer
    private let reader: Reader

    fileprivate init(statement: OpaquePointer, of reader: Reader) {
        self.statement = statement
        self.reader = reader
    }

    /// Goes to the next row. False, and ready to be bound anew, if there is none.
    func next() throws -> Bool {
        let code = sqlite3_step(statement)
        if code == SQLITE_ROW { return true }
        sqlite3_reset(statement)
        try reader.check(code)
        return false
    }

    /// Ends the query and frees what it holds, where not all rows were read.
    func end() { sqlite3_reset(statement) }

    /// Binds another value in place of a parameter, which are counted from 1. The query must have ended.
    func bind(_ parameter: some QueryParameter, at index: Int32 = 1) throws {
        try reader.check(parameter.bind(to: statement, at: index))
    }

    func isNull(_ column: Int32) -> Bool { sqlite3_column_type(statement, column) == SQLITE_NULL }

    func int(_ column: Int32) -> Int64 { sqlite3_column_int64(statement, column) }

    /// Throws where there is none, which the schema forbids but a damaged page may hold.
    func text(_ column: Int32) throws -> String {
        guard !isNull(column) else { throw StorageError.damaged("column \(column) of a row is empty") }
        return String(decoding: bytes(column), as: UTF8.self)
    }

    /// A range from two columns.
    func range(_ start: Int32, _ end: Int32) throws -> Range<Int> {
        let (lower, upper) = (int(start), int(end))
        guard lower <= upper else { throw StorageError.damaged("columns \(start) and \(end) are no range") }
        return Int(lower)..<Int(upper)
    }

    func json(_ column: Int32) throws -> JSONValue {
        do {
            return try JSONValue(json: Data(bytes(column)))
        } catch {
            throw StorageError.damaged("column \(column) holds other JSON: \(error)")
        }
    }

    /// SQLite's own memory: to be read before the query goes on.
    func bytes(_ column: Int32) -> UnsafeRawBufferPointer {
        let start = sqlite3_column_blob(statement, column)
        return UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(statement, column)))
    }
}

/// What a query takes.
protocol QueryParameter {
    /// - Returns: SQLite's result code.
    func bind(to statement: OpaquePointer, at index: Int32) -> Int32
}

extension Int64: QueryParameter {
    func bind(to statement: OpaquePointer, at index: Int32) -> Int32 { sqlite3_bind_int64(statement, index, self) }
}

extension String: QueryParameter {
    func bind(to statement: OpaquePointer, at index: Int32) -> Int32 {
        // SQLITE_TRANSIENT: SQLite copies the bytes, which are ours for this call only.
        sqlite3_bind_text(statement, index, self, -1, unsafeBitCast(-1, to: sqlite3_destructor_type.self))
    }
}

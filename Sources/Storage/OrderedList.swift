import GRDB
import Knowledge

/// A list that is read page by page, by creation time and then id.
struct OrderedList: Sendable {
    /// A query over a table with the columns `created_at` and `id`, ending in its WHERE clause.
    var select: String
    /// A query for the `created_at` and `id` of the row that `:cursor` names.
    var position: String
    /// The column of `select` that clients know a row by.
    var key = "id"
    /// What both queries have bound, by name.
    var arguments: [String: String?]

    /// No list is read in larger pieces, whatever is asked for.
    static let longest = 10_000

    /// The rows of a page as values.
    ///
    /// `before` alone asks for the page that ends just before that row, as one does to go back; `hasMore` then says
    /// whether there is more in that direction.
    /// - Parameter ends: Knows cursors whose rows are gone, and is told the ends of this page.
    /// - Throws: `RequestError.invalid` for a cursor that is not of this list.
    func page<Element>(
        _ page: Page, in db: Connection, _ ends: PageEnds, _ element: (Row) throws -> Element
    ) throws -> Listing<Element> {
        let goesBack = page.after == nil && page.before != nil
        let ascends = (page.order == .ascending) != goesBack
        let limit = min(max(page.limit, 1), Self.longest)
        var sql = select
        var bound = StatementArguments(arguments)
        let (behind, ahead) = page.order == .ascending ? (">", "<") : ("<", ">")
        for (name, cursor, relation) in [("after", page.after, behind), ("before", page.before, ahead)] {
            guard let cursor else { continue }
            guard let position = try find(cursor, in: db) ?? ends.position(of: self.cursor(cursor)) else {
                throw RequestError.invalid(parameter: name, message: "names nothing that is or was in this list")
            }
            sql += " AND (created_at, id) \(relation) (:\(name)_time, :\(name)_id)"
            bound += ["\(name)_time": position.createdAt, "\(name)_id": position.id]
        }
        let direction = ascends ? "ASC" : "DESC"
        sql += " ORDER BY created_at \(direction), id \(direction) LIMIT \(limit + 1)"
        let rows = try Row.fetchAll(db, sql: sql, arguments: bound)
        for row in [rows.first, rows.prefix(limit).last].compactMap(\.self) {
            ends.note(try Self.position(of: row), of: cursor(try row.get(key)))
        }
        let elements = try rows.prefix(limit).map(element)
        return Listing(elements: goesBack ? elements.reversed() : elements, hasMore: rows.count > limit)
    }

    private func find(_ cursor: String, in db: Connection) throws -> PageEnds.Position? {
        var bound = StatementArguments(arguments)
        bound += ["cursor": cursor]
        return try Row.fetchOne(db, sql: position, arguments: bound).map(Self.position)
    }

    private func cursor(_ id: String) -> PageEnds.Cursor {
        PageEnds.Cursor(list: position, arguments: arguments, id: id)
    }

    private static func position(of row: Row) throws -> PageEnds.Position {
        PageEnds.Position(createdAt: try row.get("created_at"), id: try row.get("id"))
    }
}
